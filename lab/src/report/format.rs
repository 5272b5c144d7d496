//! Numbers as the page and the tables show them.

use std::collections::BTreeSet;

use tacita_page::text::count;

/// What stands where nothing was measured.
pub const NONE: &str = "-";

/// Three digits, thousands apart: `0.0123`, `12.3`, `1,230`.
pub fn three(value: f64) -> String {
    // Rounded first: 9.996 is one digit more than it seems.
    let value = format!("{value:.2e}").parse().unwrap_or(value);
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 { "0".into() } else { NONE.into() };
    }
    let digits = 2 - value.abs().log10().floor() as i32;
    if digits > 0 {
        return format!("{value:.*}", digits as usize);
    }
    let unit = 10f64.powi(-digits);
    let rounded = ((value.abs() / unit).round() * unit) as u64;
    format!("{}{}", if value < 0.0 { "-" } else { "" }, count(rounded))
}

/// Bytes with a decimal unit.
pub fn size(bytes: f64) -> String {
    match bytes.abs() {
        b if b >= 1e9 => format!("{} GB", three(bytes / 1e9)),
        b if b >= 1e6 => format!("{} MB", three(bytes / 1e6)),
        b if b >= 1e3 => format!("{} kB", three(bytes / 1e3)),
        _ => format!("{} B", three(bytes)),
    }
}

/// Seconds, the small ones in fractions.
pub fn time(seconds: f64) -> String {
    match seconds.abs() {
        0.0 => "0 s".into(),
        s if s < 1e-6 => format!("{} ns", three(seconds * 1e9)),
        s if s < 1e-3 => format!("{} \u{b5}s", three(seconds * 1e6)),
        s if s < 0.1 => format!("{} ms", three(seconds * 1e3)),
        _ => format!("{} s", three(seconds)),
    }
}

/// A rate with a unit of thousands: `39.1 M`.
pub fn rate(value: f64) -> String {
    match value.abs() {
        v if v >= 1e9 => format!("{} G", three(value / 1e9)),
        v if v >= 1e6 => format!("{} M", three(value / 1e6)),
        v if v >= 1e3 => format!("{} k", three(value / 1e3)),
        _ => three(value),
    }
}

/// How many times `b` goes into `a`: `12.3x`.
pub fn ratio(a: f64, b: f64) -> String {
    if b > 0.0 { format!("{}x", three(a / b)) } else { NONE.into() }
}

/// A value that may be missing.
pub fn maybe(value: Option<f64>, show: fn(f64) -> String) -> String {
    value.map_or_else(|| NONE.into(), show)
}

/// Between several commands.
pub const SEVERAL: &str = " ; ";

/// The different commands among `all`, in their order.
pub fn commands<'a>(all: impl IntoIterator<Item = &'a str>) -> String {
    let mut seen = BTreeSet::new();
    let different: Vec<&str> = all.into_iter().filter(|c| seen.insert(*c)).collect();
    different.join(SEVERAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_are_kept() {
        let all = [0.0, 0.012_34, 0.999_6, 9.996, 12.34, 123.4, 1234.0, 557_056.0, -4.0];
        let shown: Vec<String> = all.into_iter().map(three).collect();
        assert_eq!(
            shown,
            ["0", "0.0123", "1.00", "10.0", "12.3", "123", "1,230", "557,000", "-4.00"]
        );
        assert_eq!(three(f64::NAN), NONE);
    }

    #[test]
    fn units_suit_the_size() {
        assert_eq!(size(216.125), "216 B");
        assert_eq!(size(12.83e6), "12.8 MB");
        assert_eq!(size(9.5e9), "9.50 GB");
        assert_eq!(time(0.0241), "24.1 ms");
        assert_eq!(time(3.6e-7), "360 ns");
        assert_eq!(rate(39.1e6), "39.1 M");
        assert_eq!(ratio(10.0, 4.0), "2.50x");
        assert_eq!(ratio(1.0, 0.0), NONE);
    }

    #[test]
    fn commands_stand_once() {
        assert_eq!(commands(["a", "b", "a"]), "a ; b");
    }
}
