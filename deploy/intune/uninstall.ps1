# Uninstall command of the Win32 app, for any version: each version has a product code of its own.
$codes = Get-ChildItem -Path 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall' |
    Where-Object { $_.PSChildName -like '{*}' -and $_.GetValue('DisplayName') -eq 'Mooring' } |
    ForEach-Object { $_.PSChildName }
$result = 0
foreach ($code in $codes) {
    $removal = Start-Process -FilePath "$env:SystemRoot\System32\msiexec.exe" -Wait -PassThru `
        -ArgumentList '/x', $code, '/qn', '/norestart'
    if ($removal.ExitCode -ne 0) {
        $result = $removal.ExitCode
    }
}
exit $result
