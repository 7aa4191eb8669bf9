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
$maxValues = 10000

# What remoting adds to objects.
$notOurs = @('RunspaceId', 'PSComputerName', 'PSShowComputerName', 'PSSourceJobInstanceId')

# Other names of the parameters that all cmdlets have, which Cmdlet's lists lack.
$aliases = @('vb', 'db', 'ea', 'wa', 'infa', 'proga', 'ev', 'wv', 'iv', 'ov', 'ob', 'pv', 'wi', 'cf', 'usetx')

$script:nonce = ''
$script:noun = ''
$script:folder = ''

# JSON is written by hand, for ConvertTo-Json differs between versions in what
# it escapes, and makes objects of strings that carry notes.

function Get-JsonString([string] $text) {
    if (-not [regex]::IsMatch($text, '[^ -~]|["\\]')) {
        return '"' + $text + '"'
    }
    $out = New-Object System.Text.StringBuilder
    [void] $out.Append('"')
    foreach ($c in $text.ToCharArray()) {
        $code = [int] $c
        if ($code -eq 34 -or $code -eq 92) {
            [void] $out.Append('\').Append($c)
        } elseif ($code -lt 32 -or $code -gt 126) {
            [void] $out.Append('\u').Append($code.ToString('x4', $invariant))
        } else {
            [void] $out.Append($c)
        }
    }
    [void] $out.Append('"')
    return $out.ToString()
}

function Get-JsonScalar($value) {
    if ($null -eq $value -or $value -is [System.DBNull]) {
        return 'null'
    }
    if ($value -is [bool]) {
        if ($value) { return 'true' } else { return 'false' }
    }
    if ($value -is [System.Management.Automation.SwitchParameter]) {
        if ($value.IsPresent) { return 'true' } else { return 'false' }
    }
    # Ahead of numbers, which enums are as well.
    if ($value -is [System.Enum]) {
        return (Get-JsonString ($value.ToString()))
    }
    if ($value -is [byte] -or $value -is [sbyte] -or $value -is [int16] -or $value -is [uint16] -or
        $value -is [int] -or $value -is [uint32] -or $value -is [long] -or $value -is [uint64] -or
        $value -is [decimal]) {
        return $value.ToString($invariant)
    }
    if ($value -is [double] -or $value -is [single]) {
        if ([double]::IsNaN($value) -or [double]::IsInfinity($value)) {
            return (Get-JsonString ($value.ToString($invariant)))
        }
        return $value.ToString('R', $invariant)
    }
    if ($value -is [datetime]) {
        return (Get-JsonString ($value.ToString('o', $invariant)))
    }
    return (Get-JsonString ([string] $value))
}

function Get-JsonValue($value) {
    if ($null -eq $value -or $value -is [string] -or $value -is [System.Collections.IDictionary] -or
        $value -isnot [System.Collections.IEnumerable]) {
        return (Get-JsonScalar $value)
    }
    $parts = New-Object System.Collections.Generic.List[string]
    foreach ($one in $value) {
        if ($parts.Count -ge $maxValues) { break }
        $parts.Add((Get-JsonScalar $one))
    }
    return '[' + ($parts.ToArray() -join ',') + ']'
}

function Get-JsonStrings($texts) {
    $parts = New-Object System.Collections.Generic.List[string]
    foreach ($text in $texts) {
        $parts.Add((Get-JsonString $text))
    }
    return '[' + ($parts.ToArray() -join ',') + ']'
}

function Get-JsonObject($object) {
    if ($object -is [string] -or $object -is [System.ValueType]) {
        return '{"Output":' + (Get-JsonScalar $object) + '}'
    }
    $parts = New-Object System.Collections.Generic.List[string]
    foreach ($property in $object.PSObject.Properties) {
        if ($notOurs -contains $property.Name) { continue }
        # A property may be code, and fail.
        try { $json = Get-JsonValue $property.Value } catch { continue }
        $parts.Add((Get-JsonString $property.Name) + ':' + $json)
    }
    return '{' + ($parts.ToArray() -join ',') + '}'
}

# Send-Reply writes one line: in one piece, and beginning with a newline, lest
# half a line of someone else's stand before it.
function Send-Reply([string] $id, [string] $members) {
    [Console]::Out.Write("`n" + $script:nonce + '{"id":' + $id + $members + "}`n")
    [Console]::Out.Flush()
}

# Get-Failure describes an error record: the exceptions, outermost first, and
# what the reply says if one of them has the reply of an HTTP request.
function Get-Failure([string] $kind, $record) {
    $message = ''
    $classes = New-Object System.Collections.Generic.List[string]
    $details = New-Object System.Collections.Generic.List[string]
    $status = 0
    $retryAfter = ''
    $exception = $record.Exception
    while ($null -ne $exception -and $classes.Count -lt 8) {
        $classes.Add($exception.GetType().FullName)
        if ($classes.Count -eq 1) { $message = [string] $exception.Message }
        else { $details.Add([string] $exception.Message) }
        # Few exceptions have these properties, and their code may fail.
        try {
            $response = $exception.Response
            foreach ($code in @($exception.StatusCode, $response.StatusCode)) {
                if ($status -eq 0 -and $null -ne $code) { $status = [int] $code }
            }
            $headers = $null
            if ($null -ne $response) { $headers = $response.Headers }
            if ($headers -is [System.Net.WebHeaderCollection]) {
                $retryAfter = [string] $headers['Retry-After']
            } elseif ($null -ne $headers -and $null -ne $headers.RetryAfter) {
                $retryAfter = [string] $headers.RetryAfter
            }
        } catch { $response = $null }
        $exception = $exception.InnerException
    }
    $category = ''
    $reason = ''
    if ($null -ne $record.CategoryInfo) {
        $category = $record.CategoryInfo.Category.ToString()
        $reason = [string] $record.CategoryInfo.Reason
    }
    if ($null -ne $record.ErrorDetails -and $record.ErrorDetails.Message) {
        $details.Add([string] $record.ErrorDetails.Message)
    }
    return '{"kind":' + (Get-JsonString $kind) +
        ',"message":' + (Get-JsonString $message) +
        ',"details":' + (Get-JsonStrings $details) +
        ',"exceptions":' + (Get-JsonStrings $classes) +
        ',"reason":' + (Get-JsonString $reason) +
        ',"category":' + (Get-JsonString $category) +
        ',"errorId":' + (Get-JsonString ([string] $record.FullyQualifiedErrorId)) +
        ',"status":' + $status.ToString($invariant) +
        ',"retryAfter":' + (Get-JsonString $retryAfter) + '}'
}

# Get-Refusal describes a request that is not carried out.
function Get-Refusal([string] $kind, [string] $message) {
    return '{"kind":' + (Get-JsonString $kind) + ',"message":' + (Get-JsonString $message) + '}'
}

function Get-Text($marked) {
    return ([string] $marked).Substring(1)
}

# Get-Parameters returns a request's parameters as a table to splat.
function Get-Parameters($list) {
    $table = @{}
    foreach ($parameter in $list) {
        $text = Get-Text $parameter.value
        $value = $text
        switch ((Get-Text $parameter.type)) {
            'null' { $value = $null }
            'bool' { $value = ($text -ceq 'true') }
            'secret' {
                $value = New-Object System.Security.SecureString
                foreach ($c in $text.ToCharArray()) { $value.AppendChar($c) }
            }
            'number' {
                [int] $int = 0
                [long] $long = 0
                [decimal] $decimal = 0
                $integer = [System.Globalization.NumberStyles]::AllowLeadingSign
                $float = [System.Globalization.NumberStyles]::Float
                if ([int]::TryParse($text, $integer, $invariant, [ref] $int)) { $value = $int }
                elseif ([long]::TryParse($text, $integer, $invariant, [ref] $long)) { $value = $long }
                elseif ([decimal]::TryParse($text, $float, $invariant, [ref] $decimal)) { $value = $decimal }
                else { $value = [double]::Parse($text, $float, $invariant) }
            }
        }
        $table[(Get-Text $parameter.name)] = $value
    }
    return $table
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
    $parameters = Get-Parameters $request.parameters
    # Not .Keys, which would be a parameter of that name.
    foreach ($key in @($parameters.get_Keys())) {
        foreach ($common in @([System.Management.Automation.Cmdlet]::CommonParameters) +
            @([System.Management.Automation.Cmdlet]::OptionalCommonParameters) + $aliases) {
            if ($null -eq $common) { continue }
            if ($key.Length -eq 0 -or $common.StartsWith($key, [System.StringComparison]::OrdinalIgnoreCase)) {
                return ',"error":' + (Get-Refusal 'refused' 'a parameter that all cmdlets have is not for rollcall to set')
            }
        }
    }
    if ($command.Parameters.ContainsKey('ErrorAction')) { $parameters['ErrorAction'] = 'Stop' }
    if ($command.Parameters.ContainsKey('Confirm')) { $parameters['Confirm'] = $false }

    $objects = New-Object System.Collections.Generic.List[string]
    $warnings = New-Object System.Collections.Generic.List[string]
    $failure = Get-Refusal 'broken' 'the cmdlet left without an end'
    # A break in a cmdlet that is in no loop there leaves the nearest loop here.
    foreach ($once in @(1)) {
        try {
            $written = @(& $command @parameters 2>&1 3>&1 6>$null | Select-Object -First ($maxObjects + 1))
            $failure = $null
            foreach ($item in $written) {
                if ($null -eq $item) { continue }
                if ($item -is [System.Management.Automation.WarningRecord]) {
                    $warnings.Add([string] $item.Message)
                } elseif ($item -is [System.Management.Automation.ErrorRecord]) {
                    if ($null -eq $failure) { $failure = Get-Failure 'cmdlet' $item }
                } else {
                    $objects.Add((Get-JsonObject $item))
                }
            }
            if ($objects.Count -gt $maxObjects) {
                $failure = Get-Refusal 'broken' "more than $maxObjects objects"
            }
        } catch {
            $failure = Get-Failure 'cmdlet' $_
        }
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
