/* A person at a Windows, and the system that speaks to programs:
 *   desk rect CLASS      where the first visible window of this class is: X Y WIDTH HEIGHT
 *   desk text CLASS      its text
 *   desk sleep CLASS     tells the window that the machine falls asleep
 *   desk wake CLASS      tells the window that it woke up
 *   desk choose CLASS    tells the window that each entry of its menu was chosen, one after the other
 * Ends with 1 if there is no such window. */
#include <stdio.h>
#include <windows.h>

static const WCHAR *wanted;
static int hidden_too;
static HWND found;

static BOOL CALLBACK look(HWND window, LPARAM unused)
{
    WCHAR class[64] = L"";
    (void)unused;
    GetClassNameW(window, class, 64);
    if (!lstrcmpW(class, wanted) && (hidden_too || IsWindowVisible(window)))
        found = window;
    if (!found)
        EnumChildWindows(window, look, 0);
    return !found;
}

int wmain(int count, WCHAR **words)
{
    WCHAR text[512] = L"";
    RECT at;
    WPARAM entry;
    if (count != 3)
        return 2;
    wanted = words[2];
    hidden_too = lstrcmpW(words[1], L"rect") && lstrcmpW(words[1], L"text");
    EnumWindows(look, 0);
    if (!found)
        return 1;
    if (!lstrcmpW(words[1], L"sleep"))
        SendMessageW(found, WM_POWERBROADCAST, PBT_APMSUSPEND, 0);
    else if (!lstrcmpW(words[1], L"wake"))
        SendMessageW(found, WM_POWERBROADCAST, PBT_APMRESUMEAUTOMATIC, 0);
    else if (!lstrcmpW(words[1], L"choose")) {
        /* muda numbers all entries that there ever were, from here on. */
        for (entry = 1000; entry < 1500; entry++)
            PostMessageW(found, WM_COMMAND, entry, 0);
    } else if (!lstrcmpW(words[1], L"text")) {
        SendMessageW(found, WM_GETTEXT, 512, (LPARAM)text);
        wprintf(L"%ls\n", text);
    } else if (!lstrcmpW(words[1], L"rect") && GetWindowRect(found, &at))
        wprintf(L"%ld %ld %ld %ld\n", at.left, at.top, at.right - at.left, at.bottom - at.top);
    else
        return 2;
    return 0;
}
