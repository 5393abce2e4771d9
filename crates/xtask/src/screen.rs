//! What the private X server shows, read from its framebuffer file: no client of it that could be in the way.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

/// A colour as the eye has it.
pub(crate) type Colour = [u8; 3];

/// The screen of an Xvfb that was started with `-fbdir`.
#[derive(Debug)]
pub(crate) struct Screen {
    file: PathBuf,
}

/// Every such row is looked at: a button is higher than that.
const EVERY_ROW: u64 = 8;
/// In pixels of the rows that are looked at: more than a line of text has of one colour.
const AN_AREA: usize = 100;

impl Screen {
    pub(crate) fn at(file: PathBuf) -> Self {
        Self { file }
    }

    /// Does it show an area of this colour now?
    pub(crate) fn shows(&self, [red, green, blue]: Colour) -> Result<bool> {
        let mut file = File::open(&self.file).context("the screen cannot be looked at")?;
        let layout = Layout::read(&mut file)?;
        let mut row = vec![0; usize::try_from(layout.bytes_per_line)?];
        let mut pixels = 0;
        for number in (0..layout.height).step_by(usize::try_from(EVERY_ROW)?) {
            file.seek(SeekFrom::Start(layout.begin + number * layout.bytes_per_line))?;
            file.read_exact(&mut row)?;
            pixels += row.chunks_exact(4).filter(|pixel| pixel[..3] == [blue, green, red]).count();
        }
        Ok(pixels >= AN_AREA)
    }
}

/// Where the pixels are (the header of `xwd(1)`, version 7: numbers of four bytes, the highest first).
#[derive(Debug, PartialEq, Eq)]
struct Layout {
    begin: u64,
    bytes_per_line: u64,
    height: u64,
}

impl Layout {
    fn read(from: &mut impl std::io::Read) -> Result<Self> {
        /// A colour of the map that stands before the pixels.
        const BYTES_A_COLOUR: u64 = 12;
        let mut header = [0; 100];
        from.read_exact(&mut header)?;
        let field = |number: usize| {
            let bytes = &header[number * 4..number * 4 + 4];
            bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte))
        };
        let (header_size, version, height) = (field(0), field(1), field(5));
        let (bits_per_pixel, bytes_per_line, colours) = (field(11), field(12), field(19));
        if version != 7 || bits_per_pixel != 32 {
            bail!("the screen is drawn in another way than 32 bits a pixel");
        }
        Ok(Self { begin: header_size + colours * BYTES_A_COLOUR, bytes_per_line, height })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    /// A screen of 64 by 16 pixels.
    fn picture(pixel: [u8; 4]) -> Vec<u8> {
        let mut fields = [0_u32; 25];
        for (number, value) in [(0, 104), (1, 7), (4, 64), (5, 16), (11, 32), (12, 256), (19, 2)] {
            fields[number] = value;
        }
        let header = fields.iter().flat_map(|field| field.to_be_bytes());
        header.chain([0; 4]).chain([0; 24]).chain(pixel.into_iter().cycle().take(256 * 16)).collect()
    }

    #[test]
    fn a_colour_is_found_in_blue_green_red() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), picture([0x66, 0x7a, 0x0b, 0])).unwrap();
        let screen = Screen::at(file.path().to_owned());
        assert!(screen.shows([0x0b, 0x7a, 0x66]).unwrap());
        assert!(!screen.shows([0x66, 0x7a, 0x0b]).unwrap());
    }
}
