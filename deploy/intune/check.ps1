# Remediation, first script: exit code 1 when the installation needs a repair. Run it as a 64-bit script, as the system.
$setup = Get-ItemProperty -Path 'HKLM:\SOFTWARE\MooringSetup' -ErrorAction SilentlyContinue
if (-not $setup) {
    Write-Output 'Mooring is not installed'
    exit 0
}
$wrong = @()
foreach ($name in 'mooring.exe', 'mooring-agent.exe') {
    if (-not (Test-Path -LiteralPath (Join-Path -Path $setup.Folder -ChildPath $name))) {
        $wrong += "$name is missing"
    }
}
if ($setup.Autostart -eq 'task' -and -not (Get-ScheduledTask -TaskName 'Mooring' -ErrorAction SilentlyContinue)) {
    $wrong += 'the task at logon is missing'
}
# Only where the network provider was installed: its DLL says so. Other installers put themselves first, or take us out.
if (Test-Path -LiteralPath "$env:SystemRoot\System32\mooringnp.dll") {
    & (Join-Path -Path $setup.Folder -ChildPath 'mooring.exe') np check | Out-Null
    if ($LASTEXITCODE -ne 0) {
        $wrong += 'the network provider is not in order'
    }
}
if ($wrong.Count -gt 0) {
    Write-Output ($wrong -join '; ')
    exit 1
}
Write-Output "Mooring $($setup.Version) is in order"
exit 0
