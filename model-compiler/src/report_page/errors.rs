//! What fixed point does to the values of each tensor.

use rayon::prelude::*;
use tacita_image_input::encode;
use tacita_page::{Axis, Figure, Hue, Look, Marks, Row, Rows, Table};
use tacita_protocol::plan::{Plan, clear};

use super::{Page, shape};
use crate::calibration::Calibration;
use crate::error::{Error, Result};
use crate::float::Evaluator;
use crate::network::Network;

/// Float against fixed point, tensor by tensor.
pub struct Errors {
    pub(super) tensors: Vec<Tensor>,
    images: String,
}

/// Sums over all elements of a tensor and all images.
#[derive(Clone, Copy, Default)]
pub(super) struct Tensor {
    pub(super) largest: f64,
    errors: f64,
    values: f64,
    squares: f64,
    count: f64,
}

impl Tensor {
    fn of(float: &[f32], fixed: &[i64], scale: f64) -> Self {
        let mut t = Self { count: float.len() as f64, ..Self::default() };
        for (x, y) in float.iter().zip(fixed) {
            let x = f64::from(*x);
            let error = (x - *y as f64 / scale).abs();
            t.largest = t.largest.max(error);
            t.errors += error;
            t.values += x;
            t.squares += x * x;
        }
        t
    }

    fn add(&mut self, other: &Self) {
        self.largest = self.largest.max(other.largest);
        self.errors += other.errors;
        self.values += other.values;
        self.squares += other.squares;
        self.count += other.count;
    }

    fn mean(&self) -> f64 {
        self.errors / self.count.max(1.0)
    }

    /// Standard deviation of the float values.
    pub(super) fn spread(&self) -> f64 {
        let n = self.count.max(1.0);
        (self.squares / n - (self.values / n).powi(2)).max(0.0).sqrt()
    }
}

impl Errors {
    /// Evaluates the images both ways. `network` is what the plan was made from; ReLUs stay where
    /// the plan has them.
    ///
    /// # Errors
    /// [`Error::Input`] if the network is another one or an image does not fit.
    pub fn measure(mut network: Network, plan: &Plan, images: &Calibration) -> Result<Self> {
        // An arg-max behind the logits is exact: there is nothing to compare.
        let network_only = ..=plan.public.logits_at();
        let tensors = plan.public.tensors.get(network_only).unwrap_or_default();
        let layers = &mut network.layers;
        if layers.len() != tensors.len()
            || layers.iter().zip(tensors).any(|(l, t)| l.shape != t.shape)
        {
            return Err(Error::input("the model is not the one that the plan was made from"));
        }
        layers.iter_mut().zip(tensors).for_each(|(l, t)| l.mask.clone_from(&t.mask));
        let evaluator = Evaluator::new(&network);
        let zero = || vec![Tensor::default(); tensors.len()];
        let each = images.images.par_iter().map(|pixels| {
            let trace = evaluator.trace_of(pixels, &plan.public.input)?;
            let fixed = clear::evaluate(plan, &encode(pixels, &plan.public)?);
            let both = trace.values.iter().zip(&fixed).zip(tensors);
            let scale = |frac: u32| f64::from(frac).exp2();
            Ok(both.map(|((x, y), t)| Tensor::of(x, y, scale(t.frac))).collect::<Vec<_>>())
        });
        // One after the other: sums must not depend on the threads.
        let each = each.collect::<Result<Vec<_>>>()?;
        let tensors = each.iter().fold(zero(), |mut all, one| {
            all.iter_mut().zip(one).for_each(|(a, t)| a.add(t));
            all
        });
        Ok(Self { tensors, images: images.source.clone() })
    }

    /// In units of the activations, and relative to the spread of each layer.
    pub(super) fn figures(&self, p: &Page<'_>) -> Vec<Figure> {
        let relative = |t: &Tensor, x: f64| if t.spread() > 0.0 { x / t.spread() } else { 0.0 };
        let absolute = |t: &Tensor| [t.largest, t.mean()];
        let shares = |t: &Tensor| [t.largest, t.mean()].map(|x| relative(t, x));
        let caption = format!(
            "Largest and mean difference of a value after its ReLU, {}. Log scale; tensors without \
             any difference have no marker.",
            self.images
        );
        let spread = "The same, divided by the standard deviation of the layer's values.";
        let mut first = self.figure(p, ["Difference", "|float - fixed|"], caption, &absolute);
        first.tables = vec![self.table(p)];
        let label = "|float - fixed| / standard deviation of the layer";
        vec![first, self.figure(p, ["Relative difference", label], spread.into(), &shares)]
    }

    fn figure(
        &self,
        p: &Page<'_>,
        [heading, label]: [&str; 2],
        caption: String,
        values: &dyn Fn(&Tensor) -> [f64; 2],
    ) -> Figure {
        let series = [("largest", Hue::Ours(1)), ("mean", Hue::Ours(0))];
        let row = |(l, t): (&crate::LayerReport, &Tensor)| {
            let values = values(t).to_vec();
            let aside = values.first().map(|x| format!("{x:.1e}")).unwrap_or_default();
            Row { name: l.name.clone(), values, of: None, aside }
        };
        let rows: Vec<Row> = p.layers.iter().zip(&self.tensors).map(row).collect();
        let chart = Rows {
            title: format!("{heading} by layer"),
            description: caption.clone(),
            axis: Axis::log(label, rows.iter().flat_map(|r| r.values.iter().copied())),
            marks: Marks::Dots,
            series: series.map(|(name, hue)| (name.to_owned(), hue)).into(),
            rows,
            aside: "largest".into(),
        };
        Figure {
            heading: heading.to_owned(),
            caption,
            command: String::new(),
            charts: vec![chart.into()],
            legend: series.map(|(name, hue)| (name.to_owned(), hue, Look::Line)).into(),
            tables: Vec::new(),
        }
    }

    fn table(&self, p: &Page<'_>) -> Table {
        let headings = [
            "Layer",
            "Shape",
            "#Largest",
            "#Mean",
            "#Std. dev. of values",
            "#Largest, relative",
            "#Mean, relative",
        ];
        let mut table = Table::new("Layers: float against fixed point", &headings);
        let number = |x: f64| format!("{x:.3e}");
        for (l, t) in p.layers.iter().zip(&self.tensors) {
            let relative =
                |x: f64| if t.spread() > 0.0 { number(x / t.spread()) } else { super::none() };
            table.rows.push(vec![
                l.name.clone(),
                shape(l),
                number(t.largest),
                number(t.mean()),
                number(t.spread()),
                relative(t.largest),
                relative(t.mean()),
            ]);
        }
        table
    }
}
