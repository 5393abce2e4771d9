; Installs Evertoken for one person, without an administrator.   evertoken-VERSION-x86_64-setup.exe [/S] [/D=FOLDER]
; cargo xtask package windows makes it; it defines VERSION, TREE (the files), OUT,
; WINDOW (if the window is among the files) and QUICK (for tests: large and soon made).
Target amd64-unicode
!include LogicLib.nsh
!include WordFunc.nsh
!include MUI2.nsh
!include Win\COM.nsh
!include Win\Propkey.nsh

!define UNINSTALL Software\Microsoft\Windows\CurrentVersion\Uninstall\Evertoken
!define RUN Software\Microsoft\Windows\CurrentVersion\Run
!define SWITCHED_OFF Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run
; The name under which notifications are shown (AppUserModelID). The agent uses the same one.
!define APP_ID Evertoken
!define LINK "$SMPROGRAMS\Evertoken.lnk"

Name Evertoken
OutFile "${OUT}"
RequestExecutionLevel user
InstallDir "$LOCALAPPDATA\Programs\Evertoken"
InstallDirRegKey HKCU "${UNINSTALL}" InstallLocation
!ifndef QUICK
SetCompressor /SOLID lzma
!endif
; Without a file of its own, an installation is worth nothing.
AllowSkipFiles off
BrandingText " "
VIProductVersion "${VERSION}.0"
VIAddVersionKey ProductName Evertoken
VIAddVersionKey ProductVersion "${VERSION}"
VIAddVersionKey FileVersion "${VERSION}"
VIAddVersionKey FileDescription "Evertoken setup"
VIAddVersionKey LegalCopyright "MIT OR Apache-2.0"

!define MUI_ICON "${TREE}/evertoken.ico"
!define MUI_UNICON "${TREE}/evertoken.ico"
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE English

!macro Fail TEXT
  MessageBox MB_OK|MB_ICONSTOP "${TEXT}" /SD IDOK
  SetErrorLevel 1
  Abort "${TEXT}"
!macroend

; Lets the agent finish what it is doing. A window closes at once.
!macro StopPrograms
  ${If} ${FileExists} "$INSTDIR\bin\evertoken.exe"
    nsExec::Exec 'taskkill /IM evertoken-desktop.exe'
    Pop $0
    nsExec::Exec '"$INSTDIR\bin\evertoken.exe" agent stop'
    Pop $0
    ${If} $0 != 0
      !insertmacro Fail "The agent is still running. Choose Quit in its tray menu, then try again."
    ${EndIf}
  ${EndIf}
!macroend

; A program that has just ended keeps its file for a moment.
!macro RemoveProgram NAME
  ${For} $1 1 100
    Delete "$INSTDIR\bin\${NAME}.exe"
    ${IfNotThen} ${FileExists} "$INSTDIR\bin\${NAME}.exe" ${|} ${ExitFor} ${|}
    Sleep 100
  ${Next}
  ${If} ${FileExists} "$INSTDIR\bin\${NAME}.exe"
    !insertmacro Fail "${NAME}.exe is in use. Close it, then try again."
  ${EndIf}
!macroend

!macro RemovePrograms
  !insertmacro RemoveProgram evertoken-agent
  !insertmacro RemoveProgram evertoken
  !insertmacro RemoveProgram evertoken-sandbox
  !insertmacro RemoveProgram evertoken-desktop
!macroend

; Puts the folder of the programs on the person's PATH (+) or takes it off (-). A PATH that is too long for this program to
; hold is left as it is: it must not be cut off.
!macro ChangePath SIGN
  ClearErrors
  ReadRegStr $0 HKCU Environment Path
  ${If} ${Errors}
    StrCpy $0 ""
    StrCpy $1 0
    ${Do}
      EnumRegValue $2 HKCU Environment $1
      IntOp $1 $1 + 1
    ${LoopUntil} $2 == ""
    ${OrIf} $2 == Path
  ${Else}
    StrCpy $2 ""
  ${EndIf}
  StrLen $1 "$0;$INSTDIR\bin"
  ${If} $2 == ""
  ${AndIf} $1 < ${NSIS_MAX_STRLEN}
    ${WordAdd} $0 ";" "${SIGN}$INSTDIR\bin" $0
    WriteRegExpandStr HKCU Environment Path $0
    SendMessage ${HWND_BROADCAST} ${WM_SETTINGCHANGE} 0 "STR:Environment" /TIMEOUT=5000
  ${Else}
    DetailPrint "The PATH is too long to be changed: $INSTDIR\bin is left to you."
  ${EndIf}
!macroend

; A shortcut with our AppUserModelID, so that Windows shows notifications and windows under one name.
!macro WriteShortcut PROGRAM
  !insertmacro ComHlpr_CreateInProcInstance ${CLSID_ShellLink} ${IID_IShellLink} r0 ""
  ${If} $0 P<> 0
    ${IShellLink::SetPath} $0 '("$INSTDIR\bin\${PROGRAM}.exe").r1'
    ${IShellLink::SetIconLocation} $0 '("$INSTDIR\evertoken.ico",0)'
    ${IUnknown::QueryInterface} $0 '("${IID_IPropertyStore}",.r1)'
    ${If} $1 P<> 0
      System::Call 'Oleaut32::SysAllocString(w "${APP_ID}")p.r4'
      System::Call '*${SYSSTRUCT_PROPERTYKEY}(${PKEY_AppUserModel_ID})p.r2'
      System::Call '*${SYSSTRUCT_PROPVARIANT}(${VT_BSTR},,p r4)p.r3'
      ${IPropertyStore::SetValue} $1 '($2,$3)'
      ${IPropertyStore::Commit} $1 ""
      System::Call 'Oleaut32::SysFreeString(p r4)'
      System::Free $2
      System::Free $3
      ${IUnknown::Release} $1 ""
    ${EndIf}
    ${IUnknown::QueryInterface} $0 '("${IID_IPersistFile}",.r1)'
    ${If} $1 P<> 0
      ${IPersistFile::Save} $1 '("${LINK}",1)'
      ${IUnknown::Release} $1 ""
    ${EndIf}
    ${IUnknown::Release} $0 ""
  ${EndIf}
!macroend

Section
  !insertmacro StopPrograms
  !insertmacro RemovePrograms
  SetOutPath "$INSTDIR"
  File /r "${TREE}/*"
  ; An upgrade leaves alone what a person has decided meanwhile.
  ReadRegStr $0 HKCU "${UNINSTALL}" DisplayVersion
  ${If} $0 == ""
    WriteRegStr HKCU "${RUN}" evertoken-agent '"$INSTDIR\bin\evertoken-agent.exe"'
    !insertmacro ChangePath +
  ${EndIf}
!ifdef WINDOW
  !insertmacro WriteShortcut evertoken-desktop
!else
  !insertmacro WriteShortcut evertoken-agent
!endif
  WriteRegStr HKCU "Software\Classes\AppUserModelId\${APP_ID}" DisplayName Evertoken
  WriteUninstaller "$INSTDIR\uninstall.exe"
  WriteRegStr HKCU "${UNINSTALL}" DisplayName Evertoken
  WriteRegStr HKCU "${UNINSTALL}" DisplayVersion "${VERSION}"
  WriteRegStr HKCU "${UNINSTALL}" DisplayIcon "$INSTDIR\evertoken.ico"
  WriteRegStr HKCU "${UNINSTALL}" Publisher Evertoken
  WriteRegStr HKCU "${UNINSTALL}" InstallLocation "$INSTDIR"
  WriteRegStr HKCU "${UNINSTALL}" UninstallString '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKCU "${UNINSTALL}" QuietUninstallString '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKCU "${UNINSTALL}" NoModify 1
  WriteRegDWORD HKCU "${UNINSTALL}" NoRepair 1
  Exec '"$INSTDIR\bin\evertoken-agent.exe"'
SectionEnd

; Removes what was installed. Logins and config.toml stay.
Section Uninstall
  !insertmacro StopPrograms
  !insertmacro RemovePrograms
  Delete "$INSTDIR\share\evertoken\installed-from"
  Delete "$INSTDIR\evertoken.ico"
  Delete "$INSTDIR\LICENSE-APACHE.txt"
  Delete "$INSTDIR\LICENSE-MIT.txt"
  Delete "$INSTDIR\CHANGELOG.md"
  Delete "$INSTDIR\THIRD-PARTY-NOTICES.txt"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR\share\evertoken"
  RMDir "$INSTDIR\share"
  RMDir "$INSTDIR\bin"
  RMDir "$INSTDIR"
  Delete "${LINK}"
  DeleteRegValue HKCU "${RUN}" evertoken-agent
  DeleteRegValue HKCU "${SWITCHED_OFF}" evertoken-agent
  DeleteRegKey HKCU "Software\Classes\AppUserModelId\${APP_ID}"
  DeleteRegKey HKCU "${UNINSTALL}"
  !insertmacro ChangePath -
SectionEnd
