# A stand-in for Microsoft's module, for tests: nothing of it is Microsoft's.
@{
    RootModule        = 'ExchangeOnlineManagement.psm1'
    # Newer than the real one, should that be here too: the newest is loaded.
    ModuleVersion     = '99.0.0'
    GUID              = '5d1a5b0e-7d8a-4f0e-9c52-3f1f6d0c7a11'
    Author            = 'rollcall'
    Description       = 'Stands in for ExchangeOnlineManagement in tests.'
    PowerShellVersion = '5.1'
    FunctionsToExport = @(
        'Connect-ExchangeOnline', 'Disconnect-ExchangeOnline', 'Get-ConnectionInformation',
        'Get-UserAnalyticsConfig', 'Set-UserAnalyticsConfig',
        'Get-CASMailbox', 'Set-CASMailbox',
        'Get-Mailbox', 'Set-Mailbox',
        'Get-MyAnalyticsFeatureConfig', 'Set-MyAnalyticsFeatureConfig',
        'Get-VivaInsightsSettings'
    )
    CmdletsToExport   = @()
    VariablesToExport = @()
    AliasesToExport   = @()
}
