# What ada sees of the packages on a desktop: the window, the icons, the tray.
# A program of ada's session with its screen: on_the_screen NAME COMMAND...
on_the_screen() {
    local unit=$1
    shift
    systemd-run --quiet --unit="$unit" --uid=ada --property=PAMName=login --setenv=HOME=/home/ada --setenv=DISPLAY=:7 "$@"
}
seen_by_ada() { sudo -u ada env DISPLAY=:7 "$@" > /dev/null 2>&1; }

step 'the window, as its entry names it'
on_the_screen screen Xvfb :7 -screen 0 1024x768x24
until_true 20 seen_by_ada xdotool getmouselocation
on_the_screen window evertoken-desktop
class=$(sed --quiet 's/^StartupWMClass=//p' /usr/share/applications/evertoken.desktop)
until_true 60 seen_by_ada xdotool search --onlyvisible --class "^$class\$"
systemctl stop window

step 'the icon of the entry, as GTK finds it in the theme'
cat > /tmp/icons.py <<'END'
import gi
gi.require_version("Gtk", "3.0")
from gi.repository import Gio, Gtk
icon = Gio.DesktopAppInfo.new("evertoken.desktop").get_icon()
theme = Gtk.IconTheme.get_default()
for size in 32, 48, 128, 256, 512:
    print(theme.lookup_by_gicon(icon, size, 0).get_filename())
print(theme.lookup_icon("evertoken-symbolic", 16, 0).get_filename())
END
icons=$(sudo -u ada env DISPLAY=:7 python3 /tmp/icons.py 2> /tmp/icons.log) || fail "no icon: $(cat /tmp/icons.log)"
same "$(echo "$icons" | grep --count '^/usr/share/icons/hicolor/.*/apps/evertoken')" 6 "found: $icons"
says "$icons" /hicolor/128x128/apps/evertoken.png
says "$icons" /hicolor/symbolic/apps/evertoken-symbolic.svg

step 'the icon in the tray of xfce4-panel'
settings=/home/ada/.config/xfce4/xfconf/xfce-perchannel-xml
sudo -u ada mkdir -p $settings
cat > $settings/xfce4-panel.xml <<'END'
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array"><value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="plugin-ids" type="array"><value type="int" value="1"/></property>
    </property>
  </property>
  <property name="plugins" type="empty"><property name="plugin-1" type="string" value="systray"/></property>
</channel>
END
chown ada: $settings/xfce4-panel.xml
watcher=org.kde.StatusNotifierWatcher
property() { person ada "busctl --user get-property $*" 2> /dev/null; }
items() { property $watcher /StatusNotifierWatcher $watcher RegisteredStatusNotifierItems | grep --only-matching '"[^"]*"'; }
items > /dev/null && fail 'an icon before there is a panel'
on_the_screen panel xfce4-panel --disable-wm-check
until_true 30 items > /dev/null
item=$(items | tr --delete '"')
same "$(property "${item%%/*}" "/${item#*/}" org.kde.StatusNotifierItem Id)" 's "evertoken"' 'the icon'
property "${item%%/*}" "/${item#*/}" org.kde.StatusNotifierItem IconPixmap | grep --quiet '^a(iiay) [1-9]' || fail 'no picture'
systemctl stop panel screen
