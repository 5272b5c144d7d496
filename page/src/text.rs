//! Escaping, and numbers as a reader wants them.

/// Text for HTML and SVG: markup escaped, control characters left out.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !c.is_control() || c.is_whitespace()) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A fraction in per cent with two decimals, without the sign: 0.70591 is `70.59`.
pub fn percent(fraction: f64) -> String {
    format!("{:.2}", 100.0 * fraction)
}

/// A difference of fractions in points, signed: -0.0123 is `−1.23`.
pub fn points(difference: f64) -> String {
    let sign = if difference < 0.0 { '\u{2212}' } else { '+' };
    format!("{sign}{:.2}", 100.0 * difference.abs())
}

/// A count with thousands apart: `557,056`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number in short: `1.5k`, `20M`; small ones with the decimals they need.
pub fn short(value: f64) -> String {
    let (scaled, unit) = match value.abs() {
        v if v >= 1e9 => (value / 1e9, "G"),
        v if v >= 1e6 => (value / 1e6, "M"),
        v if v >= 1e3 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    // Eleven digits hide the noise of binary fractions and keep every digit a tick has.
    let rounded = format!("{scaled:.8}");
    let trimmed = rounded.trim_end_matches('0').trim_end_matches('.');
    format!("{}{unit}", trimmed.replace('-', "\u{2212}"))
}

/// Seconds as `45 s`, `12 min` or `3 h 05 min`.
pub fn duration(seconds: f64) -> String {
    if seconds < 10.0 {
        return format!("{seconds:.1} s");
    }
    if seconds < 120.0 {
        return format!("{seconds:.0} s");
    }
    let minutes = (seconds / 60.0).round() as u64;
    match minutes {
        0..=119 => format!("{minutes} min"),
        _ => format!("{} h {:02} min", minutes / 60, minutes % 60),
    }
}
