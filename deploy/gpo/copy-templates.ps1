# Copies the administrative templates to the domain's central store, so that every administrator sees the policies.
# Needs the right to write to SYSVOL. -WhatIf shows what would be copied.
#
#   .\copy-templates.ps1 -Source ..\..\admx\out
#   .\copy-templates.ps1 -Source C:\Windows\PolicyDefinitions -Domain corp.example
[CmdletBinding(SupportsShouldProcess = $true)]
param(
    [Parameter(Mandatory = $true)] [string] $Source,
    [string] $Domain = $env:USERDNSDOMAIN
)
$ErrorActionPreference = 'Stop'

$policies = "\\$Domain\SYSVOL\$Domain\Policies"
$store = Join-Path -Path $policies -ChildPath 'PolicyDefinitions'
if (-not (Test-Path -LiteralPath $policies)) {
    throw "There is no $policies: name the domain with -Domain"
}
if (-not (Test-Path -LiteralPath $store)) {
    throw "The domain has no central store ($store). Make it from C:\Windows\PolicyDefinitions first: with Mooring's template alone in it, the editor would show no other policy."
}
foreach ($file in 'Mooring.admx', 'en-US\Mooring.adml', 'de-DE\Mooring.adml') {
    $target = Join-Path -Path $store -ChildPath $file
    $folder = Split-Path -Path $target -Parent
    if (-not (Test-Path -LiteralPath $folder)) {
        New-Item -ItemType Directory -Path $folder | Out-Null
    }
    Copy-Item -LiteralPath (Join-Path -Path $Source -ChildPath $file) -Destination $target -Force
    Write-Output $target
}
