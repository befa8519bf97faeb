# Remediation, second script: repairs what is installed, from the package that Windows Installer keeps. Agents are ended
# and started again; no restart. Run it as a 64-bit script, as the system.
$setup = Get-ItemProperty -Path 'HKLM:\SOFTWARE\MooringSetup' -ErrorAction SilentlyContinue
$entry = Get-ChildItem -Path 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall' |
    Where-Object { $_.PSChildName -like '{*}' -and $_.GetValue('DisplayName') -eq 'Mooring' } |
    Select-Object -First 1
if (-not $entry) {
    Write-Output 'Mooring is not installed'
    exit 1
}
if ($setup -and (Test-Path -LiteralPath "$env:SystemRoot\System32\mooringnp.dll")) {
    # A repair keeps our place among the providers; taken out first, it is before WinFsp again.
    & (Join-Path -Path $setup.Folder -ChildPath 'mooring.exe') np unregister
}
$repair = Start-Process -FilePath "$env:SystemRoot\System32\msiexec.exe" -Wait -PassThru `
    -ArgumentList '/fomus', $entry.PSChildName, '/qn', '/norestart'
Write-Output "msiexec ended with $($repair.ExitCode)"
if ($repair.ExitCode -in 0, 3010) {
    exit 0
}
exit 1
