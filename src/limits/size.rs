//! Sizes of memory in words, and how much there is.

/// Half of the memory that is available now; 4 GiB where the system does not say.
pub fn default_limit() -> u64 {
    let available = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    });
    available.map_or(4 << 30, |kib| kib.saturating_mul(1024) / 2)
}

/// A size such as `20GiB`, `500MB` or `1e9`. Errors: another unit, no positive number.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let split = text.find(|c: char| c.is_alphabetic() && c != 'e' && c != 'E').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit.trim().to_lowercase().as_str() {
        "" | "b" => 1.0,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        "tb" => 1e12,
        "kib" | "k" => 1024.0,
        "mib" | "m" => 1024f64.powi(2),
        "gib" | "g" => 1024f64.powi(3),
        "tib" | "t" => 1024f64.powi(4),
        _ => return Err(format!("unknown unit `{unit}`: write for example 20GiB or 500MiB")),
    };
    match number.trim().parse::<f64>() {
        Ok(value) if value > 0.0 && (value * factor) < 9e18 => Ok((value * factor) as u64),
        _ => Err(format!("`{text}` is not a size: write for example 20GiB or 500MiB")),
    }
}

/// Bytes in words, three digits.
pub fn size(bytes: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut value = bytes;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    match value {
        v if unit == 0 || v >= 99.5 => format!("{v:.0} {}", units[unit]),
        v if v >= 9.95 => format!("{v:.1} {}", units[unit]),
        v => format!("{v:.2} {}", units[unit]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_written() {
        assert_eq!(parse_size("20GiB"), Ok(20 << 30));
        assert_eq!(parse_size("1.5 kB"), Ok(1500));
        assert_eq!(parse_size("1e9"), Ok(1_000_000_000));
        assert!(parse_size("-1GiB").is_err() && parse_size("many").is_err() && parse_size("5 furlongs").is_err());
        assert_eq!(size(1000.0), "0.98 KiB");
        assert_eq!(size(115.0 * 1024f64.powi(3)), "115 GiB");
    }
}
