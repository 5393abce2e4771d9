//! The pictures of tray and notifications, from the PNG files in `icons`.

use evertoken_core::present::tray::Icon;

/// A picture as rows of pixels of 4 bytes: red, green, blue, alpha.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::desktop) struct Picture {
    pub(in crate::desktop) width: u32,
    pub(in crate::desktop) height: u32,
    pub(in crate::desktop) rgba: Vec<u8>,
}

macro_rules! files {
    ($name:literal) => {
        [
            include_bytes!(concat!("../../../../../icons/tray/", $name, "-22.png")),
            include_bytes!(concat!("../../../../../icons/tray/", $name, "-44.png")),
        ]
    };
}

/// The icon's files: 22 pixels for ordinary screens, 44 for those with twice the density.
const fn files(icon: Icon) -> [&'static [u8]; 2] {
    match icon {
        Icon::Valid => files!("valid"),
        Icon::Retrying => files!("retrying"),
        Icon::Expired => files!("expired"),
        Icon::LoginRequired => files!("login-required"),
        Icon::KeychainUnavailable => files!("keychain-unavailable"),
        Icon::SignedOut => files!("signed-out"),
        Icon::Copied => files!("copied"),
    }
}

/// The name in the icon theme of the icon that a panel gives its own colour.
#[cfg(target_os = "linux")]
pub(super) fn symbolic_name(icon: Icon) -> String {
    format!("evertoken-{}-symbolic", icon.name())
}

/// The icon's pictures, smallest first.
pub(super) fn pictures(icon: Icon) -> Vec<Picture> {
    files(icon).into_iter().filter_map(decode).collect()
}

#[cfg(any(test, target_os = "macos"))]
impl Picture {
    /// What is coloured becomes black, what is white transparent.
    pub(super) fn silhouette(mut self) -> Self {
        let shade = |[r, g, b, _]: [u8; 4]| u32::from(u8::MAX - r.min(g).min(b));
        let pixels = self.rgba.as_chunks_mut::<4>().0;
        let colour = pixels.iter().filter(|pixel| pixel[3] == u8::MAX).map(|pixel| shade(*pixel)).max();
        for pixel in pixels {
            let opacity = u32::from(pixel[3]) * shade(*pixel) / colour.unwrap_or_default().max(1);
            *pixel = [0, 0, 0, u8::try_from(opacity).unwrap_or(u8::MAX)];
        }
        self
    }
}

/// The application's own picture, 128 pixels wide.
#[cfg(target_os = "linux")]
pub(in crate::desktop) fn of_the_application() -> Option<Picture> {
    decode(include_bytes!("../../../../../icons/128x128.png"))
}

/// `None` when the file is no PNG with 8 bits a channel, which a test rules out.
fn decode(file: &[u8]) -> Option<Picture> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
    decoder.set_transformations(png::Transformations::normalize_to_color8() | png::Transformations::ALPHA);
    let mut reader = decoder.read_info().ok()?;
    let mut pixels = vec![0; reader.output_buffer_size()?];
    let info = reader.next_frame(&mut pixels).ok()?;
    let rgba = match info.color_type {
        png::ColorType::Rgba => pixels,
        png::ColorType::GrayscaleAlpha => {
            pixels.as_chunks::<2>().0.iter().flat_map(|&[gray, alpha]| [gray, gray, gray, alpha]).collect()
        }
        png::ColorType::Grayscale | png::ColorType::Rgb | png::ColorType::Indexed => return None,
    };
    Some(Picture { width: info.width, height: info.height, rgba })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_picture_of_its_own_for_both_densities() {
        let all: Vec<Vec<Picture>> = Icon::ALL.into_iter().map(pictures).collect();
        for (icon, pictures) in Icon::ALL.iter().zip(&all) {
            let sizes: Vec<(u32, u32)> = pictures.iter().map(|picture| (picture.width, picture.height)).collect();
            assert_eq!(sizes, [(22, 22), (44, 44)], "{}", icon.name());
            assert!(pictures.iter().all(|picture| picture.rgba.len() == (picture.width * picture.height * 4) as usize));
            assert_eq!(
                all.iter().filter(|other| *other == pictures).count(),
                1,
                "{} is unlike the others",
                icon.name()
            );
        }
    }

    /// A panel colours what is filled (GTK), or what has this class (KDE); a stroke would stay black.
    #[cfg(target_os = "linux")]
    #[test]
    fn every_state_has_a_symbolic_icon_that_panels_can_colour() {
        let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../icons/symbolic"));
        for icon in Icon::ALL {
            let drawn =
                std::fs::read_to_string(folder.join(format!("{}.svg", symbolic_name(icon)))).unwrap_or_default();
            assert!(drawn.contains("class=\"ColorScheme-Text\" fill=\"currentColor\""), "{}", icon.name());
            assert!(!drawn.contains("stroke="), "{}", icon.name());
        }
    }

    #[test]
    fn silhouettes_differ_and_keep_the_marks_within_them() {
        let silhouettes = Icon::ALL.map(|icon| pictures(icon).pop().map(Picture::silhouette));
        for (icon, silhouette) in Icon::ALL.iter().zip(&silhouettes) {
            assert_eq!(silhouettes.iter().filter(|other| *other == silhouette).count(), 1, "{}", icon.name());
        }
        let Some(Some(cross)) = Icon::ALL
            .iter()
            .zip(&silhouettes)
            .find_map(|(icon, silhouette)| (*icon == Icon::Expired).then_some(silhouette))
        else {
            panic!("there is no picture of an expired token");
        };
        let opacity = |x, y| cross.pixel(x, y).1;
        assert_eq!([opacity(22, 22), opacity(22, 8), opacity(0, 0)], [0.0, 1.0, 0.0], "cross, disc, corner");
    }

    /// Relative luminance of sRGB (WCAG 2.2), 0 to 1.
    fn luminance([r, g, b]: [f64; 3]) -> f64 {
        let linear = |c: f64| if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) };
        0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
    }

    fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    impl Picture {
        /// Colour and opacity; transparent outside.
        fn pixel(&self, x: i32, y: i32) -> ([f64; 3], f64) {
            let (width, height) = (self.width.cast_signed(), self.height.cast_signed());
            if !(0..width).contains(&x) || !(0..height).contains(&y) {
                return ([0.0; 3], 0.0);
            }
            let at = usize::try_from((y * width + x) * 4).unwrap_or_default();
            let [r, g, b, a] = [0, 1, 2, 3].map(|channel| f64::from(self.rgba[at + channel]) / 255.0);
            ([r, g, b], a)
        }

        /// The pixel as a panel of this colour shows it.
        fn on(&self, panel: [f64; 3], x: i32, y: i32) -> [f64; 3] {
            let (colour, opacity) = self.pixel(x, y);
            std::array::from_fn(|c| colour[c] * opacity + panel[c] * (1.0 - opacity))
        }
    }

    #[test]
    fn every_edge_of_every_picture_stands_out_on_every_panel() {
        /// Pixels, of 22, within which an edge has to stand out: the outline and what it lies around.
        const NEAR: i32 = 2;
        let panels = [("black", [0.0; 3]), ("white", [1.0; 3]), ("grey", [0.502; 3])];
        let panels = panels.into_iter().chain([("blue", [0.0, 0.0, 1.0]), ("red", [1.0, 0.0, 0.0])]);
        let mut lost = Vec::new();
        for ((name, panel), icon) in panels.flat_map(|panel| Icon::ALL.map(|icon| (panel, icon))) {
            for picture in pictures(icon) {
                let near = NEAR * picture.width.cast_signed() / 22;
                let stands_out = |x, y| contrast(picture.on(panel, x, y), panel) >= 3.0;
                let is_drawn = |x, y| picture.pixel(x, y).1 >= 0.5;
                let around = |x: i32, y: i32, by: i32| {
                    (y - by..=y + by).flat_map(move |b| (x - by..=x + by).map(move |a| (a, b)))
                };
                let is_edge = |x, y| is_drawn(x, y) && around(x, y, 1).any(|(x, y)| !is_drawn(x, y));
                for (x, y) in around(0, 0, picture.width.cast_signed()) {
                    if is_edge(x, y) && !around(x, y, near).any(|(x, y)| stands_out(x, y)) {
                        lost.push(format!("{} of {} on {name} at {x}, {y}", icon.name(), picture.width));
                    }
                }
            }
        }
        assert!(lost.is_empty(), "{lost:#?}");
    }
}
