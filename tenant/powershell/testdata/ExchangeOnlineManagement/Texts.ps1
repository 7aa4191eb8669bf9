# What the module says when something goes wrong, without a request: as
# PowerShell sees it where it cannot see replies. The name of a user before the @
# chooses the text; one that begins with once- fails the first time only, in
# whichever process: that is noted beside the folder that each process has.

# New-Inner returns an exception around another.
function New-Inner([string] $class, [string] $text, $inner) { New-Object $class -ArgumentList $text, $inner }

function Invoke-Text([string] $Identity) {
    $name = $Identity.Split('@')[0]
    if ($name -notlike '*-*') { return }
    $once, $rest = $name.Split('-', 2)
    if ($once -eq 'once') {
        $note = Get-Beside $name
        if (Test-Path $note) { return }
        [System.IO.File]::WriteAllText($note, '')
        $name = $rest
    }
    $kind, $rest = $name.Split('-', 2)
    switch ($kind) {
        'status' { throw (New-RestClientException "Error while requesting the server.HttpStatusCode=$rest") }
        'lookup' { throw (New-RestClientException "Error while requesting autodiscovery service. HttpStatusCode=$rest") }
        'form' { throw (New-RestClientException '') }
        'page' { $null = Read-Json '<html><body>Bad gateway</body></html>' }
        'parse' { throw (New-RestClientException 'Error while parsing the response') }
        'session' { throw (New-RestClientException 'You must call Connect-ExchangeOnline before calling any other cmdlet.') }
        'tls' {
            $inner = New-Object System.Security.Authentication.AuthenticationException('The remote certificate is invalid because of errors in the certificate chain: UntrustedRoot')
            throw (New-Inner System.Net.Http.HttpRequestException 'The SSL connection could not be established, see inner exception.' $inner)
        }
        'folder' { throw (New-Object System.IO.IOException('Read-only file system : ''/tmp/tmpEXO_x''')) }
        'manager' { Write-Error -ErrorAction Stop 'Ex1F4A2|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|Couldn''t find object "opt-out". Please make sure that it was spelled correctly or specify a different object.' }
        'policy' { Write-Error -ErrorAction Stop 'The OWA mailbox policy "Strict" couldn''t be found.' }
        'user' { Write-Error -ErrorAction Stop "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|The operation couldn't be performed because object '$Identity' couldn't be found on 'DC1'." }
        'lag' { throw "Ex1|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|The object '$Identity' couldn't be read from domain controller 'DC1'. This may be due to replication delays." }
        'busy' { throw 'The server is too busy' }
        'now' { throw 'The server cannot service this request right now. Try again later.' }
        'time' { throw 'The operation has timed out.' }
        'gateway' { throw 'The remote server returned an error: (502) Bad Gateway.' }
        'transport' { throw 'Unable to read data from the transport connection: Connection reset by peer.' }
        'budget' { throw 'Ex2|Microsoft.Exchange.Data.Directory.OverBudgetException|You have exceeded your budget. Suggested backoff time 120 ms' }
        'throttled' { throw 'Request is throttled.' }
        'scope' { throw "The operation on '$Identity' failed: it isn't within your current write scopes." }
        'rights' { throw 'Active Directory operation failed: Insufficient access rights to perform the operation.' }
        'mapi' { throw 'MapiExceptionNoAccess: MapiAccessDenied' }
    }
}
