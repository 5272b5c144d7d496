//! Names of arrays and layers.

use std::cmp::Ordering;

/// Indices of the layers that a name can mean: the layer of that very name, else those that end
/// in it after a `.` or `/`. What PyTorch puts around names (`module.`, `.mask`) may be there.
pub(super) fn matches(name: &str, layers: &[&str]) -> Vec<usize> {
    let inner = ["module.", "model."].iter().find_map(|p| name.strip_prefix(p)).unwrap_or(name);
    let bare = inner.strip_suffix(".mask").unwrap_or(inner);
    let found = [name, inner, bare].map(|name| named(name, layers));
    found.into_iter().find(|f| !f.is_empty()).unwrap_or_default()
}

fn named(name: &str, layers: &[&str]) -> Vec<usize> {
    let ends = |layer: &str| {
        let start = layer.strip_suffix(name).filter(|_| !name.is_empty());
        start.is_some_and(|start| start.ends_with(['.', '/']))
    };
    let exact = positions(layers, |l| l == name);
    if exact.is_empty() { positions(layers, ends) } else { exact }
}

fn positions(layers: &[&str], fits: impl Fn(&str) -> bool) -> Vec<usize> {
    layers.iter().enumerate().filter(|(_, l)| fits(l)).map(|(i, _)| i).collect()
}

/// True if `name` is `pattern`, whose `*` stand for any characters.
pub(super) fn glob(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

/// Orders names as people count: `act2` before `act10`.
pub(super) fn natural(a: &str, b: &str) -> Ordering {
    // Text and the number that follows it; a number that starts a name follows no text.
    let key = |s: &str| {
        let digits = |c: &char| c.is_ascii_digit();
        let mut chars = s.chars().peekable();
        let mut parts: Vec<(String, u128)> = Vec::new();
        while chars.peek().is_some() {
            let text = std::iter::from_fn(|| chars.next_if(|c| !digits(c))).collect();
            let mut number = 0u128;
            while let Some(d) = chars.next_if(digits).and_then(|c| c.to_digit(10)) {
                number = number.saturating_mul(10).saturating_add(u128::from(d));
            }
            parts.push((text, number));
        }
        parts
    };
    key(a).cmp(&key(b)).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, name, fits) in [
            ("act1", "act1", true),
            ("act1", "act10", false),
            ("*", "", true),
            ("layer1.*", "layer1.0.act", true),
            ("layer*.0.*2", "layer3.0.act2", true),
            ("layer*.0.*2", "layer3.1.act2", false),
            ("*act*", "x.act1", true),
            ("a*a", "a", false),
            ("a*b*c", "abc", true),
            ("a*b*c", "acb", false),
        ] {
            assert_eq!(glob(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn numbers_are_counted() {
        let mut names = ["act10", "act2", "act", "b1.act2", "b1.act10", "10", "9", "act02"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["9", "10", "act", "act02", "act2", "act10", "b1.act2", "b1.act10"]);
    }

    #[test]
    fn names_may_be_given_in_part() {
        let layers = ["act1", "layer1.0.act1", "layer1.0.act2", "layer2.0.act2"];
        assert_eq!(matches("act1", &layers), [0]);
        assert_eq!(matches("0.act1", &layers), [1]);
        assert_eq!(matches("act2", &layers), [2, 3]);
        assert_eq!(matches("model.layer2.0.act2", &layers), [3]);
        assert_eq!(matches("module.layer1.0.act1.mask", &layers), [1]);
        assert_eq!(matches("layer2.0.act2.mask", &layers), [3]);
        assert!(matches("arr_0", &layers).is_empty() && matches("ct1", &layers).is_empty());
        // A longer name is another layer's.
        assert!(matches("layer9.0.act1", &layers).is_empty());
        assert!(matches("", &layers).is_empty());
    }
}
