# What is read, as JSON. It is written by hand, for ConvertTo-Json differs
# between versions in what it escapes, and makes objects of strings that carry
# notes.

# A list of more than this is not what was asked for; nor is what is nested
# deeper than this.
$maxValues = 10000
$maxDepth = 8

# What remoting adds to objects.
$notOurs = @('RunspaceId', 'PSComputerName', 'PSShowComputerName', 'PSSourceJobInstanceId')

$dictionaries = @([System.Collections.Generic.IDictionary`2], [System.Collections.Generic.IReadOnlyDictionary`2])
$enumerate = [System.Collections.IEnumerable].GetMethod('GetEnumerator')

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

function Get-JsonStrings($texts) {
    $parts = New-Object System.Collections.Generic.List[string]
    foreach ($text in $texts) {
        $parts.Add((Get-JsonString $text))
    }
    return '[' + ($parts.ToArray() -join ',') + ']'
}

# Test-Dictionary reports whether a value is read by its keys. Not all
# dictionaries are of the old kind: an ExpandoObject is none of those.
function Test-Dictionary($value) {
    if ($value -is [System.Collections.IDictionary]) { return $true }
    foreach ($kind in $value.GetType().GetInterfaces()) {
        if ($kind.IsGenericType -and $dictionaries -contains $kind.GetGenericTypeDefinition()) { return $true }
    }
    return $false
}

# Get-JsonValue returns a value as JSON. What must not be shown, and what fails,
# ends in an exception: it is not known, which is not the same as null.
function Get-JsonValue($value, [int] $depth) {
    if ($null -eq $value -or $value -is [System.DBNull]) { return 'null' }
    if ($value -is [string]) { return (Get-JsonString $value) }
    if ($value -is [bool] -or $value -is [System.Management.Automation.SwitchParameter]) {
        if ([bool] $value) { return 'true' } else { return 'false' }
    }
    # Ahead of numbers, which enums are as well.
    if ($value -is [System.Enum]) { return (Get-JsonString ($value.ToString())) }
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
    if ($value -is [datetime] -or $value -is [System.DateTimeOffset]) {
        return (Get-JsonString ($value.ToString('o', $invariant)))
    }
    if ($value -is [System.ValueType]) { return (Get-JsonString ([string] $value)) }
    if ($value -is [System.Security.SecureString] -or $value -is [System.Management.Automation.PSCredential]) {
        throw 'a secret'
    }
    if ($value -is [byte[]]) { return (Get-JsonString ([System.Convert]::ToBase64String($value))) }
    if ($value -is [System.Xml.XmlNode]) { return (Get-JsonString $value.OuterXml) }
    if ($value.GetType().FullName -ceq 'Newtonsoft.Json.Linq.JValue') { return (Get-JsonValue $value.Value $depth) }
    if ($depth -ge $maxDepth) { throw 'nested too deep' }
    if (Test-Dictionary $value) { return (Get-JsonEntries $value $depth) }
    if ($value -is [System.Collections.IEnumerable]) {
        $parts = New-Object System.Collections.Generic.List[string]
        $all = $enumerate.Invoke($value, $null)
        while ($all.MoveNext()) {
            if ($parts.Count -ge $maxValues) {
                throw (New-Object System.OverflowException("a list of more than $maxValues values"))
            }
            $parts.Add((Get-JsonValue $all.Current ($depth + 1)))
        }
        return '[' + ($parts.ToArray() -join ',') + ']'
    }
    # An object that has a text of its own is that: an address, a size, a
    # version. Others say the name of their class, or begin as a hashtable does.
    $text = [string] $value
    if ($text -and $text -cne $value.GetType().ToString() -and -not $text.StartsWith('@{')) {
        return (Get-JsonString $text)
    }
    return (Get-JsonProperties $value $depth)
}

# Add-Json adds a member to the parts of an object, unless it is none of the
# service's, or not known. Name@data.type is what the service says of Name.
function Add-Json($parts, [string] $name, $value, [int] $depth) {
    if ($name.Contains('@') -or $notOurs -contains $name) { return }
    try {
        $json = Get-JsonValue $value ($depth + 1)
    } catch [System.OverflowException] {
        throw (New-Object System.OverflowException("property ${name}: $($_.Exception.Message)"))
    } catch { return }
    $parts.Add((Get-JsonString $name) + ':' + $json)
}

# Get-JsonEntries returns a dictionary as JSON. It is asked by reflection, for to
# PowerShell the members of one may be its keys.
function Get-JsonEntries($dictionary, [int] $depth) {
    $parts = New-Object System.Collections.Generic.List[string]
    $all = $enumerate.Invoke($dictionary, $null)
    while ($all.MoveNext()) {
        $entry = $all.Current
        Add-Json $parts ([string] $entry.Key) $entry.Value $depth
    }
    return '{' + ($parts.ToArray() -join ',') + '}'
}

# Get-JsonProperties returns an object as JSON, by its properties. One may be
# code, and fail: Value itself would then be null, and look cleared.
function Get-JsonProperties($object, [int] $depth) {
    $parts = New-Object System.Collections.Generic.List[string]
    foreach ($property in $object.PSObject.Properties) {
        try { $value = $property.get_Value() } catch { continue }
        Add-Json $parts $property.Name $value $depth
    }
    return '{' + ($parts.ToArray() -join ',') + '}'
}

# Get-JsonObject returns what a cmdlet wrote as a JSON object.
function Get-JsonObject($object) {
    if ($object -is [string] -or $object -is [System.ValueType] -or $object -is [System.Xml.XmlNode]) {
        return '{"Output":' + (Get-JsonValue $object 0) + '}'
    }
    if (Test-Dictionary $object) { return (Get-JsonEntries $object 0) }
    return (Get-JsonProperties $object 0)
}
