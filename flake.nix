# Builds Evertoken from this source with Nix:  nix build, nix run . -- status
# Not run yet: it was written from the documentation of nixpkgs. It needs a nixpkgs with Rust 1.95.
{
  description = "Keeps a Vault API login alive";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      forAll = make: nixpkgs.lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
    in
    {
      packages = forAll (pkgs: {
        default = pkgs.rustPlatform.buildRustPackage {
          pname = "evertoken";
          version = "0.1.0";
          src = self;
          cargoLock.lockFile = ./Cargo.lock;
          cargoBuildFlags = [
            "--package=evertoken"
            "--package=evertoken-agent"
            "--package=evertoken-desktop"
            "--package=evertoken-sandbox"
          ];
          # They want a desktop of their own: cargo xtask test.
          doCheck = false;
          nativeBuildInputs = with pkgs; [
            pkg-config
            wrapGAppsHook3
            installShellFiles
          ];
          buildInputs = [ pkgs.webkitgtk_4_1 ];
          postInstall = ''
            mkdir pages
            for page in packaging/man/*; do
              substitute "$page" "pages/$(basename "$page")" --replace-fail @VERSION@ 0.1.0
            done
            $out/bin/evertoken man --dir pages
            installManPage pages/*
            installShellCompletion --cmd evertoken \
              --bash <($out/bin/evertoken completions bash) \
              --zsh <($out/bin/evertoken completions zsh) \
              --fish <($out/bin/evertoken completions fish)
            install -Dm644 -t $out/share/applications packaging/evertoken.desktop
            install -Dm644 -t $out/share/icons/hicolor/scalable/apps icons/evertoken.svg
            install -Dm644 -t $out/share/icons/hicolor/symbolic/apps icons/symbolic/*
            install -Dm644 -t $out/share/systemd/user packaging/systemd/user/*
            substituteInPlace $out/share/systemd/user/evertoken-agent.service --replace-fail /usr/bin $out/bin
          '';
          meta = {
            description = "Keeps a Vault API login alive";
            license = with pkgs.lib.licenses; [
              mit
              asl20
            ];
            mainProgram = "evertoken";
          };
        };
      });
    };
}
