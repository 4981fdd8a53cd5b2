//! How pictures look: made for a screen or for a printed page, at which times.

/// What a picture is made for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Style {
    /// A screen: with a title.
    #[default]
    Screen,
    /// A page of a journal: as wide as two columns, 180 mm, where its texts are 6 to 7 points high; the caption is the title.
    Paper,
}

/// The styles, by their names.
pub const STYLES: [(&str, Style); 2] = [("screen", Style::Screen), ("paper", Style::Paper)];

impl Style {
    /// Width of a picture so many logical pixels wide, as SVG writes it; the height follows with the same factor.
    pub fn size(self, width: f64, height: f64) -> [String; 2] {
        match self {
            Self::Screen => [width, height].map(|length| length.to_string()),
            Self::Paper => [width, height].map(|length| format!("{:.2}mm", 180.0 * length / width)),
        }
    }
    /// Width of a PNG in pixels, where it is not twice the logical one: 300 to an inch of paper.
    pub fn pixels(self) -> Option<u32> {
        match self {
            Self::Screen => None,
            Self::Paper => Some(2126),
        }
    }
}

/// How pictures look.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Look {
    /// What they are made for.
    pub style: Style,
    /// The times at which densities are shown: of the output times the nearest ones; where there is none here, those that tell most.
    pub at: Vec<f64>,
}
