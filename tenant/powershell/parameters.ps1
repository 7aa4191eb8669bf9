# What a cmdlet is given.

function Get-Text($marked) {
    return ([string] $marked).Substring(1)
}

function Get-Texts($marked) {
    $list = New-Object System.Collections.Generic.List[object]
    foreach ($text in $marked) { $list.Add((Get-Text $text)) }
    return , $list.ToArray()
}

# Other names of the parameters that all cmdlets have, which Cmdlet's lists lack.
$common = @([System.Management.Automation.Cmdlet]::CommonParameters) +
    @([System.Management.Automation.Cmdlet]::OptionalCommonParameters) +
    @('vb', 'db', 'ea', 'wa', 'infa', 'proga', 'ev', 'wv', 'iv', 'ov', 'ob', 'pv', 'wi', 'cf', 'usetx')

# Get-Parameters returns a request's parameters as a table to splat: a text as a
# text, unless it is a boolean, a secret, or to be null.
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
        }
        $table[(Get-Text $parameter.name)] = $value
    }
    return $table
}

# Find-Parameter returns the command's parameter of that name: the whole name, or
# another that it has. PowerShell would take the beginning of one.
function Find-Parameter($command, [string] $name) {
    foreach ($parameter in $command.Parameters.get_Values()) {
        if ($parameter.Name -eq $name -or $parameter.Aliases -contains $name) { return $parameter }
    }
}

# Get-Arguments returns a request's parameters as a table to splat, each as the
# command's own type for it has it: PowerShell makes of a text what the type
# wants, but would make of a number ticks where it wants a time. What can't be
# given is an exception.
function Get-Arguments($command, $list) {
    $table = @{}
    foreach ($given in $list) {
        $name = Get-Text $given.name
        if ($common -contains $name) { throw "parameter ${name}: all cmdlets have it, and it is not for rollcall to set" }
        $parameter = Find-Parameter $command $name
        if ($null -eq $parameter) { throw "$($command.Name) has no parameter $name" }
        switch ((Get-Text $given.type)) {
            'list' { $table[$parameter.Name] = Get-Texts $given.values }
            'edit' {
                $edit = @{}
                if ($null -ne $given.values) { $edit['Add'] = Get-Texts $given.values }
                if ($null -ne $given.remove) { $edit['Remove'] = Get-Texts $given.remove }
                $table[$parameter.Name] = $edit
            }
            default { $table[$parameter.Name] = Get-Argument $parameter (Get-Text $given.type) (Get-Text $given.value) }
        }
    }
    return $table
}

# Get-Argument returns one value for a parameter. Kind is what rollcall takes the
# text for, and counts where the parameter takes anything.
function Get-Argument($parameter, [string] $kind, [string] $text) {
    $type = $parameter.ParameterType
    $inner = [System.Nullable]::GetUnderlyingType($type)
    if ($kind -ceq 'null') {
        if ($type -eq [string]) { return [System.Management.Automation.Language.NullString]::Value }
        if ($type.IsValueType -and $null -eq $inner) {
            throw "parameter $($parameter.Name) takes a $($type.Name), and can't be null"
        }
        return $null
    }
    if ($null -ne $inner) { $type = $inner }
    if ($type -eq [bool] -or $type -eq [System.Management.Automation.SwitchParameter]) {
        if (@('true', '$true', 'yes', '1') -contains $text) { return $true }
        if (@('false', '$false', 'no', '0') -contains $text) { return $false }
        throw "parameter $($parameter.Name) takes true or false, not '$text'"
    }
    if ($type -eq [datetime] -or $type -eq [System.DateTimeOffset]) {
        # PowerShell takes 01.12.2026 for a day in January, wherever it runs, as
        # it does 1/12/2026, of which rollcall says so.
        if ($text -notmatch '^(\d{4}-\d\d-\d\d|\d{1,2}/\d{1,2}/\d{4})') {
            throw "parameter $($parameter.Name) takes a date such as 2026-12-01 or 2026-12-01T08:00:00Z, not '$text'"
        }
        if ($type -eq [datetime]) {
            return [datetime]::Parse($text, $invariant, [System.Globalization.DateTimeStyles]::RoundtripKind)
        }
        return $text
    }
    if ($type -ne [object] -and $type -ne [psobject]) { return $text }
    if ($kind -ceq 'bool') { return ($text -ceq 'true') }
    if ($kind -ceq 'number') {
        # Digits that would not come back as they are stay a text.
        [int] $int = 0
        [long] $long = 0
        if ([int]::TryParse($text, [ref] $int) -and $int.ToString($invariant) -ceq $text) { return $int }
        if ([long]::TryParse($text, [ref] $long) -and $long.ToString($invariant) -ceq $text) { return $long }
    }
    return $text
}
