//! The scripts in `lab/recipes/` give commands that the program understands.

#![allow(clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]

use clap::Parser;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tacita_train::cli::{Cli, Verb};

/// Stands in for the program: notes its arguments, each ended by a zero byte, and an empty
/// one after the last.
const NOTE: &str = "#!/bin/sh\nprintf '%s\\0' \"$@\" '' >>\"$NOTES\"\n";

fn recipes() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lab/recipes");
    let entries = std::fs::read_dir(folder).expect("the folder of recipes");
    let mut scripts: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    scripts.retain(|path| path.extension().is_some_and(|e| e == "sh"));
    scripts.sort();
    scripts
}

/// Runs a script in an empty folder with `program` as `tacita-train`.
fn run(script: &Path, program: &Path, dir: &Path) -> Output {
    Command::new("bash")
        .arg(script.canonicalize().expect("a script"))
        .current_dir(dir)
        .env("TACITA_TRAIN", program)
        .env("NOTES", dir.join("notes"))
        .env("DATA", dir.join("no such images"))
        .env("TORCH_LIB", dir)
        .env("DEVICE", "cpu")
        .env_remove("WORK")
        .env_remove("OUT")
        .output()
        .expect("bash runs")
}

/// The commands that a script gives.
fn commands(script: &Path) -> Vec<Vec<String>> {
    let dir = tempfile::tempdir().expect("temporary folder");
    let program = dir.path().join("note");
    std::fs::write(&program, NOTE).expect("written");
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&program, executable).expect("executable");
    let Output { status, stderr, .. } = run(script, &program, dir.path());
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    let notes = std::fs::read_to_string(dir.path().join("notes")).expect("commands");
    let words: Vec<String> = notes.split_terminator('\0').map(str::to_owned).collect();
    words.split(String::is_empty).filter(|c| !c.is_empty()).map(<[String]>::to_vec).collect()
}

fn parsed(script: &Path) -> Vec<Verb> {
    let parse = |command: Vec<String>| {
        let words = std::iter::once("tacita-train".to_owned()).chain(command);
        Cli::try_parse_from(words).unwrap_or_else(|e| panic!("{}: {e}", script.display())).verb
    };
    commands(script).into_iter().map(parse).collect()
}

#[test]
fn every_command_is_understood_and_writes_where_nothing_else_does() {
    let scripts = recipes();
    assert_eq!(scripts.len(), 2, "{scripts:?}");
    for script in scripts {
        let mut files = Vec::new();
        for verb in parsed(&script) {
            match verb {
                Verb::Senet(args) => files.push(args.out.out),
                Verb::Export(args) => files.push(args.out.out),
                _ => {}
            }
        }
        let count = files.len();
        files.sort();
        files.dedup();
        assert!(count > 0 && files.len() == count, "{}: {files:?}", script.display());
    }
}

#[test]
fn budgets_of_the_gpu_recipe_share_one_teacher() {
    let script = recipes().into_iter().find(|p| p.ends_with("cifar100-resnet18-gpu.sh"));
    let verbs = parsed(&script.expect("the recipe"));
    let Verb::Teacher(teacher) = &verbs[0] else { panic!("the teacher comes first") };
    let senet = verbs.iter().filter_map(|verb| match verb {
        Verb::Senet(args) => Some(&args.masked),
        _ => None,
    });
    let mut budgets = Vec::new();
    for args in senet {
        let given = args.stage.work.teacher.as_deref();
        assert_eq!(given, Some(teacher.work.work.join("teacher").as_path()));
        assert!(args.stage.compute.mixed_precision);
        budgets.push(args.budget.relu_budget.of(557_056));
    }
    assert_eq!(budgets, [25_000, 50_000, 100_000]);
}

#[test]
fn missing_images_end_a_recipe_by_name() {
    for script in recipes() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let program = Path::new(env!("CARGO_BIN_EXE_tacita-train"));
        let Output { status, stderr, .. } = run(&script, program, dir.path());
        let text = String::from_utf8_lossy(&stderr);
        assert_eq!(status.code(), Some(3), "{text}");
        assert!(text.contains("no such images"), "{text}");
    }
}
