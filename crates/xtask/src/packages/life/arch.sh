# PKGBUILD as makepkg reads it, with the programs of the release build in the place of cargo's.
cat > /usr/local/bin/cargo <<'END'
#!/bin/sh
mkdir -p "$CARGO_TARGET_DIR/release"
cp /opt/release/evertoken /opt/release/evertoken-agent /opt/release/evertoken-desktop /opt/release/evertoken-sandbox \
    "$CARGO_TARGET_DIR/release"
END
chmod 755 /usr/local/bin/cargo
# A package's files, without what each distribution has a place of its own for.
files() { sed 's|^\./||; s|zsh/vendor-completions|zsh/site-functions|; /\/$/d; /^$/d; /^\./d; /^usr\/share\/\(doc\|licenses\|lintian\)\//d' | sort; }

step 'makepkg builds every package, with the files of the debs'
cp --recursive /opt/source /home/bob/source
chown --recursive bob: /home/bob/source
person bob 'cd source/packaging/arch && makepkg --printsrcinfo' > /root/srcinfo
for name in evertoken evertoken-desktop evertoken-sandbox; do says "$(cat /root/srcinfo)" "pkgname = $name"; done
person bob 'cd source/packaging/arch && makepkg --nodeps' > /root/makepkg 2>&1 || fail "makepkg: $(tail --lines=20 /root/makepkg)"
for name in evertoken evertoken-desktop evertoken-sandbox; do
    of_arch=$(bsdtar --list --file /home/bob/source/packaging/arch/$name-[0-9]*.pkg.tar.* | files)
    of_debian=$(dpkg-deb --fsys-tarfile /opt/packages/${name}_*.deb | tar --list | files)
    same "$of_arch" "$of_debian" "the files of $name"
done
