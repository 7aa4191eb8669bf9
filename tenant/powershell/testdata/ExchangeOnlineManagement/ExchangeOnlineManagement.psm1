# A stand-in for Microsoft's module, for tests. It signs in without anyone, keeps
# users in memory, and misbehaves for users of certain names.

$script:connected = $false
$script:users = @{}
. "$PSScriptRoot/Rest.ps1"
. "$PSScriptRoot/Texts.ps1"
. "$PSScriptRoot/Mailbox.ps1"

enum StandInMode {
    OptOut
    OptIn
}

# Write-Noise writes in every way that a module may that is not the pipeline.
function Write-Noise([string] $text) {
    Write-Host "host: $text"
    Write-Warning "warning: $text"
    Write-Verbose "verbose: $text" -Verbose
    Write-Information "information: $text" -InformationAction Continue
    Write-Progress -Activity "progress: $text" -PercentComplete 50
    [Console]::WriteLine("console: $text")
    [Console]::Write('half a line')
    [Console]::Error.WriteLine("stderr: $text")
}

function Connect-ExchangeOnline {
    [CmdletBinding()]
    param(
        [string] $ConnectionUri,
        [string] $ExchangeEnvironmentName,
        [string] $Organization,
        [string] $AppId,
        [string] $CertificateThumbprint,
        [switch] $Device,
        [string] $UserPrincipalName,
        [string] $AccessToken,
        [string[]] $CommandName,
        [switch] $ShowBanner = $true,
        [switch] $SkipLoadingFormatData
    )
    if ($ShowBanner) {
        Write-Host 'This is the banner, and it was not wanted.'
    }
    if (($CommandName -join ',') -notmatch '^Get-(\w+),Set-\1$') {
        throw 'without -CommandName all of Exchange is imported'
    }
    if ($Organization -eq 'hangs.onmicrosoft.com') {
        # It says so beside the folder of its process.
        $said = [System.IO.Path]::Combine([System.IO.Path]::GetTempPath(), '..', 'connecting')
        [System.IO.File]::WriteAllText($said, "$PID`n")
        [System.Threading.Thread]::Sleep(600000)
    }
    if ($Organization -eq 'refused.onmicrosoft.com') {
        throw "AADSTS90002: no tenant of that name; the token was $AccessToken"
    }
    if ($AccessToken) { Write-Host "the token is $AccessToken" }
    if ($Device) {
        Write-Output 'To sign in, open the page and enter the code ABCD-EFGH to authenticate.'
    }
    Write-Noise 'connecting'
    $script:connected = $true
    $script:token = $AccessToken
    $script:organization = $Organization
    $script:account = $UserPrincipalName
    if (-not $UserPrincipalName -and -not $AccessToken) { $script:account = 'admin@fabrikam.com' }
    'an object that Connect-ExchangeOnline wrote'
}

function Disconnect-ExchangeOnline {
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'High')]
    param()
    if ($PSCmdlet.ShouldProcess('all connections')) {
        $script:connected = $false
        Write-Host 'disconnected'
    }
}

# The tenant is that of who signs in, which is Fabrikam's unless the account says
# otherwise.
function Get-ConnectionInformation {
    [CmdletBinding()]
    param()
    if (-not $script:connected) { return }
    $tenant = '99999999-2222-3333-4444-555555555555'
    if ("$script:account" -like '*contoso*' -or -not $script:account) { $tenant = '11111111-2222-3333-4444-555555555555' }
    [pscustomobject] @{ State = 'Connected'; UserPrincipalName = $script:account; TenantID = $tenant }
}

# Invoke-Fault does what the user of that name is for.
function Invoke-Fault([string] $Identity) {
    if (-not $script:connected) {
        throw 'You must call the Connect-ExchangeOnline cmdlet before calling any other cmdlets.'
    }
    switch -Wildcard ($Identity) {
        'notfound@*' {
            Write-Error -Message "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|The operation couldn't be performed because object '$Identity' couldn't be found." -ErrorAction Stop
        }
        'throttled@*' { throw (New-Object System.InvalidOperationException('outer', (New-Object System.Exception('Too many requests')))) }
        'forbidden@*' { throw 'Access to the requested resource is forbidden.' }
        'network@*' { throw (New-Object System.Net.WebException('the connection was closed')) }
        'lost@*' { throw 'Lifetime validation failed, the token is expired.' }
        'dies@*' { [Environment]::Exit(3) }
        'exits@*' { exit 4 }
        'hangs@*' { [System.Threading.Thread]::Sleep(600000) }
        'asks@*' { $null = Read-Host 'a question' }
        'noise@*' { Write-Noise $Identity }
    }
    # In a switch it would leave only that.
    if ($Identity -like 'breaks@*') { break }
}

function Get-UserAnalyticsConfig {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)] [string] $Identity,
        [string] $ResultSize
    )
    Invoke-Fault $Identity
    if ($Identity -like 'nonterminating@*') {
        Write-Error 'not so bad' -Category PermissionDenied
    }
    $mode = [StandInMode]::OptIn
    if ($script:users[$Identity] -eq 'opt-out') { $mode = [StandInMode]::OptOut }
    [pscustomobject] @{
        UserId             = $Identity
        PrivacyMode        = $mode
        IsDashboardEnabled = $true
        Nothing            = $null
        Count              = 3
        Big                = 9007199254740993
        Ratio              = 0.25
        When               = [datetime]::new(2024, 1, 2, 3, 4, 5, [System.DateTimeKind]::Utc)
        One                = @('a')
        None               = @()
        Several            = @(1, 'two', $null)
        City               = [string] [char] 0xC5 + 'rhus "\' + [char]::ConvertFromUtf32(0x1F600)
        RunspaceId         = [guid]::NewGuid()
    }
}

function Set-UserAnalyticsConfig {
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'High')]
    param(
        [Parameter(Mandatory = $true)] [string] $Identity,
        [ValidateSet('opt-in', 'opt-out')] [string] $PrivacyMode,
        [ValidateSet('dashboard', 'add-in', 'digest-email', 'all')] [string] $Feature = 'all',
        [System.Nullable[bool]] $IsEnabled
    )
    Invoke-Fault $Identity
    if ($PSCmdlet.ShouldProcess($Identity)) {
        $script:users[$Identity] = $PrivacyMode
    }
    Get-UserAnalyticsConfig -Identity $Identity
}

function Get-CASMailbox {
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)] [string] $Identity)
    Invoke-Fault $Identity
    [pscustomobject] @{ Identity = $Identity; Given = $script:users[$Identity] }
}

# What it was given is kept with its type, to be read back.
function Set-CASMailbox {
    [CmdletBinding(SupportsShouldProcess = $true)]
    param(
        [Parameter(Mandatory = $true)] [string] $Identity,
        $OWAEnabled,
        [Alias('PopOn')] [System.Nullable[bool]] $PopEnabled,
        [bool] $ImapEnabled,
        [switch] $Force,
        [string] $DisplayName,
        [int] $Limit,
        [System.Nullable[int]] $MayLimit,
        [timespan] $RetainFor,
        [datetime] $EndDate,
        [System.DateTimeOffset] $EndTime,
        [System.DayOfWeek] $WorkDay,
        [string[]] $Addresses
    )
    Invoke-Fault $Identity
    $given = foreach ($name in @($PSBoundParameters.get_Keys())) {
        if (@('Identity', 'ErrorAction', 'Confirm') -contains $name) { continue }
        $value = $PSBoundParameters[$name]
        if ($null -eq $value) { "$name null" }
        elseif ($value -is [array]) { $name + ' ' + $value.GetType().Name + ' ' + ($value -join '|') }
        elseif ($value -is [hashtable]) { "$name Hashtable Add:$($value['Add'] -join '|') Remove:$($value['Remove'] -join '|')" }
        elseif ($value -is [datetime] -or $value -is [System.DateTimeOffset]) { $name + ' ' + $value.GetType().Name + ' ' + $value.ToUniversalTime().ToString('s') }
        else { $name + ' ' + $value.GetType().Name + ' ' + $value }
    }
    $script:users[$Identity] = $given -join '; '
}

# Every kind of value that was seen, and some that may be.
function Get-VivaInsightsSettings {
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)] [string] $Identity)
    Invoke-Fault $Identity
    if ($Identity -like 'long@*') {
        [pscustomobject] @{ Identity = $Identity; Long = 1..10001 }
        return
    }
    # As the real one writes it: an ExpandoObject is a dictionary of the new kind.
    $dictionary = New-Object System.Dynamic.ExpandoObject
    $add = [System.Collections.Generic.IDictionary[string, object]].GetMethod('Add', [type[]] @([string], [object]))
    foreach ($entry in @(@('UserId', $Identity), @('IsInsightsHeadspaceEnabled', $true))) {
        [void] $add.Invoke($dictionary, [object[]] $entry)
    }
    if ($Identity -notlike 'values@*') {
        Write-Output -NoEnumerate $dictionary
        return
    }

    $failing = [pscustomobject] @{ Works = 1 }
    $failing | Add-Member -MemberType ScriptProperty -Name Fails -Value { throw 'no' }
    $secret = New-Object System.Security.SecureString
    'hunter2'.ToCharArray() | ForEach-Object { $secret.AppendChar($_) }
    [pscustomobject] @{
        Dictionary     = $dictionary
        Hashtable      = @{ Keys = 'a key' }
        Bytes          = [byte[]] @(0, 1, 255)
        Nested         = [pscustomobject] @{ X = 1; Y = @([pscustomobject] @{ Z = $null }, @{ W = 'w' }) }
        Failing        = $failing
        Offset         = New-Object System.DateTimeOffset(2024, 1, 2, 3, 4, 5, [timespan]::FromHours(2))
        Span           = [timespan]::FromDays(365)
        Secret         = $secret
        Held           = @{ Secret = $secret; Open = 'o' }
        Xml            = [xml] '<a b="c"><d/></a>'
        Element        = ([xml] '<a><d>e</d></a>').a
        Version        = [version] '1.2.3'
        'X@data.type'  = '#Int64'
        'X@odata.type' = '#Int64'
        X              = 5
    } | Add-Member -MemberType ScriptProperty -Name Throws -Value { throw 'no' } -PassThru
}

Export-ModuleMember -Function '*-ExchangeOnline', 'Get-ConnectionInformation', '*-UserAnalyticsConfig', '*-CASMailbox', '*-Mailbox', '*-MyAnalyticsFeatureConfig', '*-VivaInsightsSettings'
