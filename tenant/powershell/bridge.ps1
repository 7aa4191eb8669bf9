# What runs in the PowerShell process: it reads one request a line from standard
# input, and writes one reply a line to standard output. bridge.go says how it
# gets here, message.go what requests and replies are.
#
# It is for Windows PowerShell 5.1 as well as for PowerShell 7. It is ASCII, and
# nowhere uses the automatic variable for pipeline input: a host that saw it
# would read standard input itself.
#
# Every string of a request has = in front, or ConvertFrom-Json of PowerShell 7
# would make dates of what looks like one.

Set-StrictMode -Off
$ErrorActionPreference = 'Stop'
$global:ProgressPreference = 'SilentlyContinue'
$global:WarningPreference = 'Continue'

# Somewhere below a PowerShell 7, Windows PowerShell inherits the way to that
# one's modules, and finds a ConvertFrom-Json there that it can't load.
if ($PSVersionTable.PSEdition -eq 'Desktop') {
    $env:PSModulePath = "$PSHOME\Modules;$env:PSModulePath"
}

$moduleName = 'ExchangeOnlineManagement'
$invariant = [System.Globalization.CultureInfo]::InvariantCulture

# A cmdlet is about one user. More than this is not what was asked for.
$maxObjects = 1000

$script:nonce = ''
$script:noun = ''
$script:folder = ''

# Send-Reply writes one line: in one piece, and beginning with a newline, lest
# half a line of someone else's stand before it.
function Send-Reply([string] $id, [string] $members) {
    [Console]::Out.Write("`n" + $script:nonce + '{"id":' + $id + $members + "}`n")
    [Console]::Out.Flush()
}

# Find-Command returns the module's cmdlet of that name, or nothing. A cmdlet
# of the service is a function in a module that Connect-ExchangeOnline makes,
# called tmpEXO_ and something. Nothing else counts, be its name what it may.
function Find-Command([string] $name) {
    # Get-Command loads what it doesn't find: it would go through all modules of
    # the machine, before each sign-in and when a session is lost. PowerShell looks
    # at the global variable only, and the module needs it as it was.
    $global:PSModuleAutoLoadingPreference = 'None'
    try {
        $found = @(Get-Command -Name $name -All -CommandType 'Cmdlet', 'Function' -ErrorAction SilentlyContinue)
    } finally {
        $global:PSModuleAutoLoadingPreference = 'All'
    }
    foreach ($command in $found) {
        if ($command.ModuleName -match '^(ExchangeOnlineManagement|tmpEXO_.*|Microsoft\.Exchange\.Management\..*)$' -and
            $command.Name -eq $name) {
            return $command
        }
    }
}

function Start-Bridge($request) {
    $script:nonce = Get-Text $request.nonce
    $script:noun = Get-Text $request.noun
    if ($PSVersionTable.PSEdition -eq 'Desktop') {
        # 0 leaves the choice to Windows, which is as good or better.
        $protocols = [System.Net.ServicePointManager]::SecurityProtocol
        if ([int] $protocols -ne 0) {
            [System.Net.ServicePointManager]::SecurityProtocol = $protocols -bor [System.Net.SecurityProtocolType]::Tls12
        }
    }
    $script:folder = Get-Text $request.folder
    $versions = New-Object System.Collections.Generic.List[string]
    foreach ($module in @(Get-Module -ListAvailable -Name $moduleName -ErrorAction SilentlyContinue)) {
        $versions.Add([string] $module.Version)
    }
    Send-Reply $request.id (',"powershell":' + (Get-JsonString ([string] $PSVersionTable.PSVersion)) +
        ',"edition":' + (Get-JsonString ([string] $PSVersionTable.PSEdition)) +
        ',"modules":' + (Get-JsonStrings $versions))
}

function Import-Bridge($request) {
    $members = ''
    try {
        Import-Module -Name $moduleName -RequiredVersion (Get-Text $request.module) -Global -DisableNameChecking -ErrorAction Stop 3>$null
    } catch {
        $members = ',"error":' + (Get-Failure 'import' $_)
    }
    Send-Reply $request.id $members
}

function Connect-Bridge($request) {
    try {
        $parameters = Get-Parameters $request.parameters
        $connect = Get-Command -Name "$moduleName\Connect-ExchangeOnline" -ErrorAction Stop
        # Of the service's own cmdlets there are hundreds, each of which costs time
        # and memory; two are enough, also where the module has them itself.
        $names = @(('Get-' + $script:noun), ('Set-' + $script:noun))
        $parameters['CommandName'] = [string[]] $names
        $parameters['ShowBanner'] = $false
        $parameters['ErrorAction'] = 'Stop'
        if ($connect.Parameters.ContainsKey('SkipLoadingFormatData')) { $parameters['SkipLoadingFormatData'] = $true }
        # What it says goes out at once: it may be a code to type elsewhere.
        & $connect @parameters | ForEach-Object { [Console]::Out.WriteLine([string] $_) }
        $cmdlets = New-Object System.Collections.Generic.List[string]
        foreach ($name in $names) {
            if ($null -ne (Find-Command $name)) { $cmdlets.Add($name) }
        }
        # Who signed in, and where. Of several connections the last is this one.
        $account = ''
        $tenantID = ''
        foreach ($connection in @(Get-ConnectionInformation -ErrorAction SilentlyContinue 3>$null)) {
            $account = [string] $connection.UserPrincipalName
            $tenantID = [string] $connection.TenantID
        }
        $members = ',"cmdlets":' + (Get-JsonStrings $cmdlets) + ',"account":' + (Get-JsonString $account) +
            ',"tenantID":' + (Get-JsonString $tenantID)
    } catch {
        $members = ',"error":' + (Get-Failure 'connect' $_)
    }
    Send-Reply $request.id $members
}

# Invoke-Bridge runs the cmdlet that a request names and returns the members of
# the reply. The cmdlet is called by what Get-Command found and by splatting:
# no text of a request is ever part of a command.
function Invoke-Bridge($request) {
    $name = Get-Text $request.cmdlet
    if ($name -ne ('Get-' + $script:noun) -and $name -ne ('Set-' + $script:noun)) {
        return ',"error":' + (Get-Refusal 'refused' 'this process runs no such cmdlet')
    }
    $command = Find-Command $name
    if ($null -eq $command) {
        return ',"error":' + (Get-Refusal 'missing' 'the module has no such cmdlet')
    }
    try {
        $parameters = Get-Arguments $command $request.parameters
    } catch {
        return ',"error":' + (Get-Refusal 'refused' $_.Exception.Message)
    }
    if ($command.Parameters.ContainsKey('ErrorAction')) { $parameters['ErrorAction'] = 'Stop' }
    if ($command.Parameters.ContainsKey('Confirm')) { $parameters['Confirm'] = $false }

    $objects = New-Object System.Collections.Generic.List[string]
    $warnings = New-Object System.Collections.Generic.List[string]
    $written = $null
    $failure = Get-Refusal 'broken' 'the cmdlet left without an end'
    [void] (Read-Replies)
    # A break in a cmdlet that is in no loop there leaves the nearest loop here.
    foreach ($once in @(1)) {
        try {
            $written = @(& $command @parameters 2>&1 3>&1 6>$null)
            $failure = $null
        } catch {
            $failure = Get-Failure 'cmdlet' $_
        }
    }
    try {
        foreach ($item in $written) {
            if ($null -eq $item) { continue }
            if ($item -is [System.Management.Automation.WarningRecord]) {
                $warnings.Add([string] $item.Message)
            } elseif ($item -is [System.Management.Automation.ErrorRecord]) {
                if ($null -eq $failure) { $failure = Get-Failure 'cmdlet' $item }
            } elseif ($objects.Count -lt $maxObjects) {
                $objects.Add((Get-JsonObject $item))
            } else {
                throw "more than $maxObjects objects"
            }
        }
    } catch {
        $failure = Get-Refusal 'broken' $_.Exception.Message
    }
    $members = ',"warnings":' + (Get-JsonStrings $warnings)
    if ($null -ne $failure) {
        return $members + ',"error":' + $failure
    }
    return $members + ',"objects":[' + ($objects.ToArray() -join ',') + ']'
}

# Standard input ends when rollcall closes it, and when rollcall dies.
while ($true) {
    $line = [Console]::In.ReadLine()
    if ($null -eq $line) { break }
    $request = ConvertFrom-Json -InputObject $line
    $op = Get-Text $request.op
    if ($op -ceq 'begin') { Start-Bridge $request }
    elseif ($op -ceq 'import') { Import-Bridge $request }
    elseif ($op -ceq 'connect') { Connect-Bridge $request }
    elseif ($op -ceq 'run') {
        # The members are the last thing that it returns. What else it might
        # let slip, by a version's whim, is not part of the reply.
        $members = @(Invoke-Bridge $request)
        Send-Reply $request.id ([string] $members[$members.Count - 1])
    }
}

# Asking for the cmdlet would load the module, only to leave it.
if ($null -ne (Get-Module -Name $moduleName)) {
    try { Disconnect-ExchangeOnline -Confirm:$false -ErrorAction SilentlyContinue *> $null } catch { $null = $_ }
}
# Rollcall removes the folder, unless it is dead.
if ($script:folder) {
    try { [System.IO.Directory]::Delete($script:folder, $true) } catch { exit 0 }
}
exit 0
