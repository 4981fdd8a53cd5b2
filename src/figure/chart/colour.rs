//! Colours: perceptually uniform maps, and a palette that colour-blind readers can tell apart.

use crate::engine::ENGINES;

/// Red, green, blue in 0–255 and opacity in 0–1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Colour {
    /// Red, green, blue.
    pub rgb: [u8; 3],
    /// Opacity.
    pub opacity: f64,
}

impl Colour {
    /// An opaque colour from 0xRRGGBB.
    pub const fn hex(value: u32) -> Self {
        Self { rgb: [(value >> 16) as u8, (value >> 8) as u8, value as u8], opacity: 1.0 }
    }
    /// `#rrggbb`, as pictures and pages write it.
    pub fn hexadecimal(self) -> String {
        let [red, green, blue] = self.rgb;
        format!("#{red:02x}{green:02x}{blue:02x}")
    }
    /// The same colour with another opacity.
    pub const fn with_opacity(self, opacity: f64) -> Self {
        Self { opacity, ..self }
    }
}

/// Text.
pub const INK: Colour = Colour::hex(0x22_22_22);
/// Axes and less important text.
pub const GREY: Colour = Colour::hex(0x77_77_77);
/// Grid lines.
pub const FAINT: Colour = Colour::hex(0xe4_e4_e4);
/// Ground of a picture.
pub const WHITE: Colour = Colour::hex(0xff_ff_ff);
/// The loss, as a filled background.
pub const LOSS: Colour = Colour::hex(0xb8_bc_c4);

/// The colour of an engine's group, after M. Okabe and K. Ito (2008).
pub fn engine(group: &str) -> Colour {
    let known = ENGINES.iter().find(|engine| engine.group == group);
    known.map_or(Colour::hex(0xcc_79_a7), |engine| Colour { rgb: engine.colour, opacity: 1.0 })
}

/// A perceptually uniform map from [0, 1] to colours; those of one hue are polynomials of degree 6 in each channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Map {
    /// Dark violet to yellow (S. van der Walt and N. Smith, CC0): densities.
    Viridis,
    /// Dark blue over red to yellow (the same authors): times, and whatever stands beside a density.
    Plasma,
    /// Grey to nearly white: a ground under coloured lines.
    Grey,
    /// Blue over white to red (C. Brewer's RdBu): values around 0, which is white.
    BlueRed,
}

const BLUE_RED: [u32; 11] = [
    0x05_30_61, 0x21_66_ac, 0x43_93_c3, 0x92_c5_de, 0xd1_e5_f0, 0xf7_f7_f7, 0xfd_db_c7, 0xf4_a5_82, 0xd6_60_4d,
    0xb2_18_2b, 0x67_00_1f,
];

const VIRIDIS: [[f64; 3]; 7] = [
    [0.277_727_327, 0.005_407_345, 0.334_099_805],
    [0.105_093_043, 1.404_613_530, 1.384_590_163],
    [-0.330_861_829, 0.214_847_559, 0.095_095_163],
    [-4.634_230_499, -5.799_100_973, -19.332_440_956],
    [6.228_269_936, 14.179_933_367, 56.690_552_601],
    [4.776_384_998, -13.745_145_378, -65.353_032_633],
    [-5.435_455_856, 4.645_852_612, 26.312_435_250],
];

const PLASMA: [[f64; 3]; 7] = [
    [0.058_732_344, 0.023_336_709, 0.543_340_183],
    [2.176_514_634, 0.238_383_417, 0.753_960_460],
    [-2.689_460_476, -7.455_851_136, 3.110_799_940],
    [6.130_348_346, 42.346_188_148, -28.518_854_653],
    [-11.107_436_191, -82.666_311_094, 60.139_847_674],
    [10.023_065_576, 71.413_617_701, -54.072_186_556],
    [-3.658_713_843, -22.931_534_655, 18.191_907_785],
];

/// The colour at `x` in [0, 1] between the two nearest of a row of colours.
fn between(row: &[u32], x: f64) -> Colour {
    let place = x * (row.len() - 1) as f64;
    let first = (place as usize).min(row.len() - 2);
    let share = place - first as f64;
    let [a, b] = [row[first], row[first + 1]].map(|hex| Colour::hex(hex).rgb.map(f64::from));
    Colour { rgb: [0, 1, 2].map(|k| (a[k] + share * (b[k] - a[k])).round() as u8), opacity: 1.0 }
}

impl Map {
    /// The colour at `x`; below 0 and above 1 the ends, NaN white.
    pub fn at(self, x: f64) -> Colour {
        if x.is_nan() {
            return WHITE;
        }
        let x = x.clamp(0.0, 1.0);
        let table = match self {
            Self::Viridis => &VIRIDIS,
            Self::Plasma => &PLASMA,
            Self::Grey => return Colour { rgb: [(120.0 + 128.0 * x).round() as u8; 3], opacity: 1.0 },
            Self::BlueRed => return between(&BLUE_RED, x),
        };
        let channel = |k: usize| table.iter().rev().fold(0.0, |sum, row| sum * x + row[k]);
        Colour { rgb: [0, 1, 2].map(|k| (255.0 * channel(k).clamp(0.0, 1.0)).round() as u8), opacity: 1.0 }
    }
    /// Colours for `n` lines on white, from the dark end and short of the palest.
    pub fn lines(self, n: usize) -> Vec<Colour> {
        (0..n).map(|k| self.at(0.88 * k as f64 / (n.max(2) - 1) as f64)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_meet_their_published_ends_and_grow_lighter() {
        let published = [(Map::Viridis, 0x44_01_54, 0xfd_e7_25), (Map::Plasma, 0x0d_08_87, 0xf0_f9_21)];
        for (map, dark, light) in published {
            for (x, hex) in [(0.0, dark), (1.0, light)] {
                for (a, b) in map.at(x).rgb.iter().zip(Colour::hex(hex).rgb) {
                    assert!(a.abs_diff(b) <= 6, "{map:?} at {x}: {:?}", map.at(x));
                }
            }
            let lightness = |x: f64| {
                let [r, g, b] = map.at(x).rgb.map(f64::from);
                0.2126 * r + 0.7152 * g + 0.0722 * b
            };
            assert!((1..50).all(|k| lightness(f64::from(k) / 49.0) > lightness(f64::from(k - 1) / 49.0)));
        }
    }

    #[test]
    fn the_diverging_map_is_white_in_the_middle_and_darker_to_both_ends() {
        let rgb = |x: f64| Map::BlueRed.at(x).rgb.map(i32::from);
        assert_eq!([rgb(-1.0), rgb(0.5), rgb(2.0)], [[0x05, 0x30, 0x61], [0xf7; 3], [0x67, 0, 0x1f]]);
        let sum = |x: f64| rgb(x).iter().sum::<i32>();
        assert!((1..25).all(|k| sum(f64::from(k) / 50.0) > sum(f64::from(k - 1) / 50.0)));
        assert!((26..=50).all(|k| sum(f64::from(k) / 50.0) < sum(f64::from(k - 1) / 50.0)));
        assert!(rgb(0.2)[2] > rgb(0.2)[0] && rgb(0.8)[0] > rgb(0.8)[2]);
    }
}
