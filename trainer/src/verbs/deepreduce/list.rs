//! The published networks of DeepReDuce.

use super::Answer;
use crate::Result;
use crate::deepreduce::pareto::{POINTS, Point};
use crate::deepreduce::{Recipe, Thin};
use serde_json::json;

pub(super) fn list() -> Result<Answer> {
    let mut lines = vec![format!(
        "{:<11}{:>5}{:>7}{:>5}  {:<14}{:<8}{:<9}{:>8}",
        "point", "side", "alpha", "rho", "culled", "thin", "depths", "ReLUs"
    )];
    let mut values = Vec::new();
    for point in &POINTS {
        let (recipe, relus) = (point.recipe(), point.relus()?);
        lines.push(line(point, &recipe, relus));
        values.push(json!({"point": point.name, "side": point.side, "relus": relus,
                           "recipe": recipe}));
    }
    Ok((lines.join("\n"), json!({"network": "resnet18", "points": values})))
}

fn line(point: &Point, recipe: &Recipe, relus: usize) -> String {
    let Point { name, side, alpha, rho, .. } = point;
    let culled = format!("conv1,{}", recipe.culled.join(","));
    let thin = match recipe.thin {
        Thin::None => "none",
        Thin::Top => "top",
        Thin::Bottom => "bottom",
    };
    let depths = point.depths.unwrap_or([2; 4]).map(|d| d.to_string()).join(",");
    format!("{name:<11}{side:>5}{alpha:>7}{rho:>5}  {culled:<14}{thin:<8}{depths:<9}{relus:>8}")
}
