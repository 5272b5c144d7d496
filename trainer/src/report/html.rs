//! Tables and figures of the page.

use super::chart::{Chart, Hue, Look, swatch};
use super::text::escape;

/// Characters from which a cell may be broken over lines.
const LONG: usize = 28;

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

/// A figure: one or several charts, what they show, and the numbers behind them.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Heading.
    pub heading: String,
    /// What the reader sees, in plain text.
    pub caption: String,
    /// The command that makes it.
    pub command: String,
    /// The charts; several are set side by side under their titles.
    pub charts: Vec<Chart>,
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
        format!(
            "<h3>{}</h3>\n<figure id=\"{id}\">\n{legend}{}\n<figcaption>{} \
             <span class=\"from\">Made by <code>{}</code></span></figcaption>\n</figure>\n{tables}",
            escape(&self.heading),
            self.charts(id),
            escape(&self.caption),
            escape(&self.command),
        )
    }

    fn charts(&self, id: &str) -> String {
        if let [chart] = self.charts.as_slice() {
            let svg = chart.svg(&format!("{id}-1"));
            return format!("<div class=\"wide\">{svg}</div>");
        }
        let panel = |(i, chart): (usize, &Chart)| {
            let svg = chart.svg(&format!("{id}-{}", i + 1));
            format!("<div><p class=\"panel\">{}</p>{svg}</div>\n", escape(&chart.title))
        };
        let panels: String = self.charts.iter().enumerate().map(panel).collect();
        format!("<div class=\"multiples\">\n{panels}</div>")
    }
}
