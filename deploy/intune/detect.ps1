# Detection rule of the Win32 app: is this version, or a newer one, installed? Intune takes "exit code 0 and some output"
# for yes. Run it as a 64-bit script. Set $required to the version that you deploy.
$required = [version]'0.1.0'

$setup = Get-ItemProperty -Path 'HKLM:\SOFTWARE\MooringSetup' -ErrorAction SilentlyContinue
if ($setup -and [version]$setup.Version -ge $required) {
    $agent = Join-Path -Path $setup.Folder -ChildPath 'mooring-agent.exe'
    if (Test-Path -LiteralPath $agent) {
        Write-Output "Mooring $($setup.Version)"
    }
}
exit 0
