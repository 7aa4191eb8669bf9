# A mailbox, which keeps its values from one process to the next: beside the folder
# that each process has.

function Get-Beside([string] $name) {
    Join-Path (Split-Path ([System.IO.Path]::GetTempPath().TrimEnd('/', '\'))) "standin-$name"
}

function Get-Mailbox {
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)] [string] $Identity)
    $file = Get-Beside $Identity
    if (Test-Path $file) { return Import-Clixml $file }
    [pscustomobject] @{
        UserPrincipalName = $Identity
        CustomAttribute1  = ''
        CustomAttribute2  = '12E5'
        CustomAttribute3  = ' padded '
        RetainFor         = [timespan]::FromDays(14)
        EmailAddresses    = @("SMTP:$Identity", "smtp:old.$Identity")
    }
}

function Set-Mailbox {
    [CmdletBinding(SupportsShouldProcess = $true)]
    param(
        [Parameter(Mandatory = $true)] [string] $Identity,
        [string] $CustomAttribute1,
        [string] $CustomAttribute2,
        [string] $CustomAttribute3,
        [timespan] $RetainFor,
        $EmailAddresses
    )
    $mailbox = Get-Mailbox $Identity
    foreach ($name in @($PSBoundParameters.get_Keys())) {
        if (@('Identity', 'ErrorAction', 'Confirm') -contains $name) { continue }
        $value = $PSBoundParameters[$name]
        if ($value -is [hashtable]) {
            $value = @($mailbox.$name | Where-Object { $value['Remove'] -notcontains $_ }) + @($value['Add'] | Where-Object { $_ })
        }
        $mailbox.$name = $value
    }
    $mailbox | Export-Clixml (Get-Beside $Identity)
}
