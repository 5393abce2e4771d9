//! The tray's pictures, from the PNG files in `icons/tray`.

use evertoken_core::present::tray::Icon;

/// A picture as rows of pixels of 4 bytes: red, green, blue, alpha.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Picture {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) rgba: Vec<u8>,
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
    }
}

/// The icon's pictures, smallest first.
pub(super) fn pictures(icon: Icon) -> Vec<Picture> {
    files(icon).into_iter().filter_map(decode).collect()
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
}
