# The module's own cmdlets, as it was seen to carry them out: a look for the
# service, one request, no retry, and errors that hide what the reply was. The
# service is at $env:DOTNET_STANDIN_ENDPOINT, a name that reaches this process.

$script:http = New-Object System.Net.Http.HttpClient
$script:path = @{}

# New-RestClientException makes one of the module's class. That is made here, for
# a PowerShell class has no namespace.
function New-RestClientException([string] $text) {
    if ($null -eq $script:restClientException) {
        $name = New-Object System.Reflection.AssemblyName('StandIn')
        $class = [System.Reflection.Emit.AssemblyBuilder]::DefineDynamicAssembly($name, [System.Reflection.Emit.AssemblyBuilderAccess]::Run).DefineDynamicModule('m').DefineType(
            'Microsoft.Exchange.Management.RestApiClient.RestClientException', [System.Reflection.TypeAttributes]::Public, [System.Exception])
        $code = $class.DefineConstructor([System.Reflection.MethodAttributes]::Public, [System.Reflection.CallingConventions]::Standard, [type[]] @([string])).GetILGenerator()
        $codes = [System.Reflection.Emit.OpCodes]
        $code.Emit($codes::Ldarg_0)
        $code.Emit($codes::Ldarg_1)
        $code.Emit($codes::Call, [System.Exception].GetConstructor([type[]] @([string])))
        $code.Emit($codes::Ret)
        [void] $class.DefineDefaultConstructor([System.Reflection.MethodAttributes]::Public)
        $script:restClientException = $class.CreateType()
    }
    if ($text) { return [System.Activator]::CreateInstance($script:restClientException, [object[]] @($text)) }
    return [System.Activator]::CreateInstance($script:restClientException)
}

# Read-Json parses as the module does, and fails as it does.
function Read-Json([string] $text) {
    try {
        return , [Newtonsoft.Json.Linq.JToken]::Parse($text)
    } catch {
        $inner = $_.Exception.InnerException
        throw (New-Object System.Exception($inner.Message, $inner))
    }
}

function Send-Request([string] $method, [string] $path, [string] $body, [bool] $withToken) {
    $request = New-Object System.Net.Http.HttpRequestMessage((New-Object System.Net.Http.HttpMethod($method)), ($env:DOTNET_STANDIN_ENDPOINT + $path))
    if ($withToken) { [void] $request.Headers.TryAddWithoutValidation('Authorization', "Bearer $script:token") }
    [void] $request.Headers.TryAddWithoutValidation('User-Agent', 'PowerShell')
    if ($body) { $request.Content = New-Object System.Net.Http.StringContent($body, [System.Text.Encoding]::UTF8, 'application/json') }
    try {
        return $script:http.SendAsync($request).GetAwaiter().GetResult()
    } catch {
        $inner = $_.Exception.InnerException
        throw (New-Object System.Exception($inner.Message, $inner))
    }
}

function Invoke-Rest([string] $cmdlet, [string] $method, [string] $Identity, [string] $body) {
    if (-not $script:connected) { throw (New-RestClientException 'You must call Connect-ExchangeOnline before calling any other cmdlet.') }
    if (-not $script:path[$cmdlet]) {
        $response = Send-Request GET "/autodiscover/autodiscover.json/v1.0/OAuthUser@$($script:organization)?Protocol=Weve" '' $false
        if (-not $response.IsSuccessStatusCode) {
            throw (New-RestClientException "Error while requesting autodiscovery service. HttpStatusCode=$($response.StatusCode)")
        }
        $script:path[$cmdlet] = ([uri] [string] (Read-Json $response.Content.ReadAsStringAsync().Result)['Url']).AbsolutePath
    }
    $response = Send-Request $method ($script:path[$cmdlet] + "/api/v1.1/users('$Identity')/settings") $body $true
    $text = $response.Content.ReadAsStringAsync().Result
    if (-not $response.IsSuccessStatusCode) {
        if (-not $text) { throw (New-RestClientException "Error while requesting the server.HttpStatusCode=$($response.StatusCode)") }
        $said = Read-Json $text
        $message = $said.GetValue('message', [System.StringComparison]::OrdinalIgnoreCase)
        throw (New-RestClientException ([string] $message))
    }
    $settings = $null
    if ($text) { $settings = Read-Json $text }
    if ($null -eq $settings -or $null -eq $settings['ServiceSettings']) { throw (New-RestClientException 'Error while parsing the response') }
    return , $settings
}

function Get-MyAnalyticsFeatureConfig {
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)] [string] $Identity)
    Invoke-Text $Identity
    Write-Settings $Identity (Invoke-Rest 'Get' GET $Identity '')
}

function Set-MyAnalyticsFeatureConfig {
    [CmdletBinding(SupportsShouldProcess = $true)]
    param(
        [Parameter(Mandatory = $true)] [string] $Identity,
        [ValidateSet('opt-in', 'opt-out')] [string] $PrivacyMode,
        [ValidateSet('dashboard', 'add-in', 'digest-email', 'all')] [string] $Feature,
        [System.Nullable[bool]] $IsEnabled
    )
    Invoke-Text $Identity
    $out = ($PrivacyMode -eq 'opt-out').ToString().ToLower()
    $body = '{"ServiceSettings":{"IsOptedOut":' + $out + '},"FeatureSettings":{"IsDashboardOptedOut":' + $out +
        ',"IsDigestEmailOptedOut":' + $out + ',"IsAddInOptedOut":' + $out + '}}'
    Write-Settings $Identity (Invoke-Rest 'Set' PATCH $Identity $body)
}

function Write-Settings([string] $Identity, $settings) {
    $mode = 'opt-in'
    if ([bool] $settings['ServiceSettings']['IsOptedOut']) { $mode = 'opt-out' }
    $features = $settings['FeatureSettings']
    [pscustomobject] @{
        UserId               = $Identity
        PrivacyMode          = $mode
        IsDashboardEnabled   = -not [bool] $features['IsDashboardOptedOut']
        IsAddInEnabled       = -not [bool] $features['IsAddInOptedOut']
        IsDigestEmailEnabled = -not [bool] $features['IsDigestEmailOptedOut']
    }
}
