# What went wrong, and what the service said.

# New-Observer returns a queue of what .NET says of every HTTP request of the
# process, by its own diagnostics: the module throws away the status of a reply
# and what it asks for. They come on threads that are not PowerShell's, so that
# it takes a class; there is no compiler to make one of source. Windows
# PowerShell has no such diagnostics.
function New-Observer {
    if ($PSVersionTable.PSEdition -eq 'Desktop') { return }
    # Someone who listens makes .NET name each request in a header of its own.
    [System.Diagnostics.DistributedContextPropagator]::Current = [System.Diagnostics.DistributedContextPropagator]::CreateNoOutputPropagator()
    $pair = [System.Collections.Generic.KeyValuePair[string, object]]
    $queue = [System.Collections.Concurrent.ConcurrentQueue`1].MakeGenericType($pair)
    $listener = [System.Diagnostics.DiagnosticListener]
    $ofEvents = [System.IObserver`1].MakeGenericType($pair)
    $ofListeners = [System.IObserver`1].MakeGenericType($listener)
    $assembly = [System.Reflection.Emit.AssemblyBuilder]::DefineDynamicAssembly(
        (New-Object System.Reflection.AssemblyName('Rollcall.Bridge')), [System.Reflection.Emit.AssemblyBuilderAccess]::Run)
    # class Observer : ConcurrentQueue<pair>, IObserver<pair>, IObserver<DiagnosticListener>
    $class = $assembly.DefineDynamicModule('bridge').DefineType(
        'Observer', [System.Reflection.TypeAttributes]::Public, $queue, [type[]] @($ofEvents, $ofListeners))
    $codes = [System.Reflection.Emit.OpCodes]
    foreach ($method in @($ofEvents.GetMethods()) + $ofListeners.GetMethod('OnNext')) {
        $types = [type[]] @(foreach ($parameter in $method.GetParameters()) { $parameter.ParameterType })
        $code = $class.DefineMethod($method.Name, [System.Reflection.MethodAttributes] 'Public, Virtual', [void], $types).GetILGenerator()
        $end = $code.DefineLabel()
        if ($method.Name -ceq 'OnNext' -and $types[0] -eq $pair) {
            # Enqueue(event)
            $code.Emit($codes::Ldarg_0)
            $code.Emit($codes::Ldarg_1)
            $code.Emit($codes::Call, $queue.GetMethod('Enqueue'))
        } elseif ($method.Name -ceq 'OnNext') {
            # if (listener.Name == "HttpHandlerDiagnosticListener") listener.Subscribe(this)
            $code.Emit($codes::Ldarg_1)
            $code.Emit($codes::Callvirt, $listener.GetMethod('get_Name'))
            $code.Emit($codes::Ldstr, 'HttpHandlerDiagnosticListener')
            $code.Emit($codes::Call, [string].GetMethod('Equals', [type[]] @([string], [string])))
            $code.Emit($codes::Brfalse, $end)
            $code.Emit($codes::Ldarg_1)
            $code.Emit($codes::Ldarg_0)
            $code.Emit($codes::Callvirt, $listener.GetMethod('Subscribe', [type[]] @($ofEvents)))
            $code.Emit($codes::Pop)
        }
        $code.MarkLabel($end)
        $code.Emit($codes::Ret)
    }
    $observer = [System.Activator]::CreateInstance($class.CreateType())
    [void] $listener::AllListeners.Subscribe($observer)
    return , $observer
}

# Without it errors say less, and rollcall goes by their texts.
$observer = $null
try { $observer = New-Observer } catch { $observer = $null }

# Read-Replies empties the queue, and returns the last request in it that may
# have to do with a failure: neither the module's look for the service, if that
# was answered, nor what it reports to its makers.
function Read-Replies {
    if ($null -eq $observer) { return }
    $last = $null
    $one = [System.Activator]::CreateInstance([System.Collections.Generic.KeyValuePair[string, object]])
    while ($observer.TryDequeue([ref] $one)) {
        if ($one.Key -cne 'System.Net.Http.HttpRequestOut.Stop') { continue }
        $to = $one.Value.Request.RequestUri
        if ($to.Host.EndsWith('.events.data.microsoft.com')) { continue }
        if ($to.AbsolutePath.StartsWith('/autodiscover/') -and $one.Value.Response.IsSuccessStatusCode) { continue }
        $last = $one.Value
    }
    return $last
}

# Read-Body returns what a reply had to say, if the module has left it to be read.
function Read-Body($response) {
    try {
        if ([int] $response.StatusCode -lt 400 -or $response.Content.Headers.ContentLength -gt 65536) { return '' }
        $reading = $response.Content.ReadAsStringAsync()
        if ($reading.Wait(1000)) { return $reading.Result }
    } catch { return '' }
    return ''
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
    $discovery = 'false'
    $body = ''
    $seen = Read-Replies
    if ($null -ne $seen) {
        if ($seen.Request.RequestUri.AbsolutePath.StartsWith('/autodiscover/')) { $discovery = 'true' }
        if ($null -ne $seen.Response) {
            $status = [int] $seen.Response.StatusCode
            $retryAfter = [string] $seen.Response.Headers.RetryAfter
            $body = Read-Body $seen.Response
        }
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
        ',"retryAfter":' + (Get-JsonString $retryAfter) +
        ',"discovery":' + $discovery +
        ',"body":' + (Get-JsonString $body) + '}'
}

# Get-Refusal describes a request that is not carried out.
function Get-Refusal([string] $kind, [string] $message) {
    return '{"kind":' + (Get-JsonString $kind) + ',"message":' + (Get-JsonString $message) + '}'
}

