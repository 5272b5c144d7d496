//! The frame of a page, its sections, figures and tables.

use crate::chart::{Chart, Hue, Look, swatch};
use crate::rows::Rows;
use crate::text::escape;

/// The style sheet of every page.
const STYLE: &str = include_str!("style.css");

/// Characters from which a cell may be broken over lines.
const LONG: usize = 28;

/// A part of the page under a heading of its own.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// Heading.
    pub title: String,
    /// What kind of thing it is, a few words.
    pub kind: String,
    /// Figures, each with its tables.
    pub figures: Vec<Figure>,
    /// The section in a sentence, in green if it is good news, else in red.
    pub verdict: Option<(bool, String)>,
    /// A paragraph before the figures; empty for none.
    pub text: String,
    /// Tables that belong to no figure.
    pub tables: Vec<Table>,
}

impl Section {
    fn html(&self, id: &str) -> String {
        let figure = |(i, f): (usize, &Figure)| f.html(&format!("{id}-figure-{}", i + 1));
        let figures: String = self.figures.iter().enumerate().map(figure).collect();
        let tables: String = self.tables.iter().map(Table::html).collect();
        let text = match self.text.as_str() {
            "" => String::new(),
            text => format!("<p>{}</p>\n", escape(text)),
        };
        let verdict = self.verdict.as_ref().map_or_else(String::new, |(good, text)| {
            let class = if *good { "good" } else { "bad" };
            format!("<p class=\"verdict {class}\">{}</p>\n", escape(text))
        });
        let (kind, title) = (escape(&self.kind), escape(&self.title));
        format!(
            "<section id=\"{id}\">\n<p class=\"kind\">{kind}</p>\n<h2>{title}</h2>\n{verdict}{text}{figures}\
             {tables}</section>\n"
        )
    }
}

/// A page with a list of its sections, which is called `contents`. Ids of sections are
/// `prefix-1`, `prefix-2` and so on.
pub fn page(title: &str, (contents, prefix): (&str, &str), sections: &[Section]) -> String {
    let numbered = || sections.iter().enumerate().map(|(i, s)| (format!("{prefix}-{}", i + 1), s));
    let entry = |(id, section): (String, &Section)| {
        let (title, kind) = (escape(&section.title), escape(&section.kind));
        format!("<li><a href=\"#{id}\">{title}</a> <span>{kind}</span></li>\n")
    };
    let list: String = numbered().map(entry).collect();
    let sections: String = numbered().map(|(id, section)| section.html(&id)).collect();
    let (title, contents) = (escape(title), escape(contents));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n\
         <h1>{title}</h1>\n<nav aria-label=\"{contents}\"><ol>\n{list}</ol></nav>\n</header>\n\
         <main>\n{sections}</main>\n</body>\n</html>\n"
    )
}

/// A table; its cells are plain text.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// What it lists.
    pub caption: String,
    /// Headings, and whether the column holds numbers (set right).
    pub columns: Vec<(String, bool)>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
    /// Whether the reader sees it without asking.
    pub open: bool,
}

impl Table {
    /// An empty table; a heading that starts with `#` is that of a column of numbers.
    pub fn new(caption: &str, headings: &[&str]) -> Self {
        let columns = headings.iter().map(|h| match h.strip_prefix('#') {
            Some(h) => (h.to_owned(), true),
            None => ((*h).to_owned(), false),
        });
        Self { caption: caption.to_owned(), columns: columns.collect(), ..Self::default() }
    }

    /// The same table, shown without asking.
    pub fn opened(self) -> Self {
        Self { open: true, ..self }
    }

    /// The table as HTML.
    pub fn html(&self) -> String {
        let class = |numbers: bool, text: &str| match (numbers, text.chars().count() > LONG) {
            (true, _) => r#" class="n""#,
            (false, true) => r#" class="long""#,
            (false, false) => "",
        };
        let head = |(text, numbers): &(String, bool)| {
            format!(r#"<th scope="col"{}>{}</th>"#, class(*numbers, ""), escape(text))
        };
        let head: String = self.columns.iter().map(head).collect();
        let cell = |(text, column): (&String, &(String, bool))| {
            format!("<td{}>{}</td>", class(column.1, text), escape(text))
        };
        let row = |row: &Vec<String>| {
            let cells: String = row.iter().zip(&self.columns).map(cell).collect();
            format!("<tr>{cells}</tr>\n")
        };
        let rows: String = self.rows.iter().map(row).collect();
        let caption = escape(&self.caption);
        let open = if self.open { r#" open="""# } else { "" };
        format!(
            "<details{open}><summary>{caption}</summary><div class=\"scroll\" \
             role=\"region\" aria-label=\"{caption}\" tabindex=\"0\"><table><thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody></table></div></details>\n"
        )
    }
}

/// One drawing of a figure.
#[derive(Clone, Debug)]
pub enum Drawing {
    /// Over two axes.
    Chart(Chart),
    /// A line an entry.
    Rows(Rows),
}

impl Drawing {
    fn title(&self) -> &str {
        match self {
            Self::Chart(chart) => &chart.title,
            Self::Rows(rows) => &rows.title,
        }
    }

    fn svg(&self, id: &str) -> String {
        match self {
            Self::Chart(chart) => chart.svg(id),
            Self::Rows(rows) => rows.svg(id),
        }
    }
}

impl From<Chart> for Drawing {
    fn from(chart: Chart) -> Self {
        Self::Chart(chart)
    }
}

impl From<Rows> for Drawing {
    fn from(rows: Rows) -> Self {
        Self::Rows(rows)
    }
}

/// A figure: one or several charts, what they show, and the numbers behind them.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Heading.
    pub heading: String,
    /// What the reader sees, in plain text.
    pub caption: String,
    /// The command that makes it; empty where the page says it once for all.
    pub command: String,
    /// The charts; several are set side by side under their titles.
    pub charts: Vec<Drawing>,
    /// Names of the series, where they do not stand beside them.
    pub legend: Vec<(String, Hue, Look)>,
    /// The numbers.
    pub tables: Vec<Table>,
}

impl Figure {
    /// The figure as HTML; `id` is unique in the page.
    pub fn html(&self, id: &str) -> String {
        let legend = match self.legend.as_slice() {
            [] => String::new(),
            entries => {
                let entry = |(name, hue, look): &(String, Hue, Look)| {
                    format!("<li>{}{}</li>", swatch(*hue, *look), escape(name))
                };
                let entries: String = entries.iter().map(entry).collect();
                format!("<ul class=\"legend\">{entries}</ul>\n")
            }
        };
        let tables: String = self.tables.iter().map(Table::html).collect();
        let from = match self.command.as_str() {
            "" => String::new(),
            command => {
                let command = escape(command);
                format!(" <span class=\"from\">Made by <code>{command}</code></span>")
            }
        };
        format!(
            "<h3>{}</h3>\n<figure id=\"{id}\">\n{legend}{}\n<figcaption>{}{from}</figcaption>\n\
             </figure>\n{tables}",
            escape(&self.heading),
            self.charts(id),
            escape(&self.caption),
        )
    }

    fn charts(&self, id: &str) -> String {
        if let [chart] = self.charts.as_slice() {
            let svg = chart.svg(&format!("{id}-1"));
            return format!("<div class=\"wide\">{svg}</div>");
        }
        let panel = |(i, chart): (usize, &Drawing)| {
            let svg = chart.svg(&format!("{id}-{}", i + 1));
            format!("<div><p class=\"panel\">{}</p>{svg}</div>\n", escape(chart.title()))
        };
        let panels: String = self.charts.iter().enumerate().map(panel).collect();
        format!("<div class=\"multiples\">\n{panels}</div>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_and_ids_are_unique() {
        let mut table = Table::new("a <b>", &["x", "#y"]).opened();
        table.rows.push(vec!["<script>".into(), "1".into()]);
        let section = Section {
            title: "one & two".into(),
            kind: "k".into(),
            text: "a < b".into(),
            tables: vec![table],
            ..Section::default()
        };
        let page = page("t", ("Parts", "part"), &[section.clone(), section]);
        assert!(page.contains("<p>a &lt; b</p>") && page.contains("one &amp; two"));
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script"));
        assert!(page.contains("<td class=\"n\">1</td>"));
        let ids: Vec<&str> = page.split(" id=\"").skip(1).map(|s| &s[..6]).collect();
        assert_eq!(ids, ["part-1", "part-2"]);
    }
}
