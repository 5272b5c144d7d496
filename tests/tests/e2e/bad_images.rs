//! Pictures that cannot be classified: the client says why, and no ticket is lost on them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::support::{Client, Ended, Files, Server, network, undisturbed};

fn infer(files: &Files, server: &Server, picture: &str) -> Ended {
    let first = files.picture(0);
    Client::new(files, &server.addr, "infer").path(&first).path(&files.path(picture)).run()
}

/// Files that are no usable picture, and words that the client has for them.
fn bad_pictures(files: &Files) -> [(&'static str, &'static str); 6] {
    let png = &network().pictures[0].bytes;
    image::RgbImage::new(9, 8).save(files.path("wide.png")).unwrap();
    files.put("text.png", b"this is no picture");
    files.put("empty.png", b"");
    files.put("cut.png", &png[..png.len() / 2]);
    files.put("other.gif", b"GIF89a\x08\x00\x08\x00\x00\x00\x00");
    [
        ("wide.png", "is 9x8, the network takes 8x8"),
        ("text.png", "not an image"),
        ("empty.png", "not an image"),
        ("cut.png", "damaged"),
        ("other.gif", "PNG or JPEG"),
        ("missing.png", "missing.png"),
    ]
}

#[test]
fn bad_pictures_are_refused_before_anything_is_spent() {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    let bad = bad_pictures(&files);
    undisturbed(&files, &server, || {
        for (picture, words) in bad {
            let ended = infer(&files, &server, picture);
            ended.refused(3, words);
            assert!(ended.stdout.contains(picture), "{ended:?}");
            // Only the size has to be compared with the server's plan.
            if picture == "wide.png" {
                let served = server.session_end();
                assert_eq!((served.tickets, served.inferences), (None, None));
                assert!(served.error.unwrap().contains("failure on this side"));
            }
        }
    });
}

#[test]
fn bad_pictures_on_stdin_cost_no_ticket() {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    let bad = bad_pictures(&files);
    undisturbed(&files, &server, || {
        let mut client = Client::new(&files, &server.addr, "prepare").with(&["-n", "1"]).start();
        for (picture, words) in bad {
            client.feed(&files.path(picture));
            let event = client.event();
            assert_eq!(event["event"], "image_error");
            assert!(event["message"].as_str().unwrap().contains(words), "{event}");
        }
        client.feed(&files.picture(1));
        network().assert_printed(1, &client.event()["logits"]);
        client.feed(&files.picture(2));
        assert!(client.event()["message"].as_str().unwrap().contains("no ticket is left"));
        let ended = client.end();
        ended.refused(8, "7 images on stdin without an answer");
        let served = server.session_end();
        assert_eq!((served.tickets, served.inferences, served.error), (Some(1), Some(1), None));
    });
}

#[test]
fn a_folder_is_no_picture() {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    let folder: PathBuf = files.folder().to_owned();
    undisturbed(&files, &server, || {
        let ended = Client::new(&files, &server.addr, "infer").path(&folder).run();
        ended.refused(3, "cannot read");
    });
}

#[test]
fn all_bad_pictures_are_named_before_anything_is_spent() {
    let files = Files::new();
    files.put("text.png", b"this is no picture");
    image::RgbImage::new(9, 8).save(files.path("wide.png")).unwrap();
    image::RgbImage::new(7, 8).save(files.path("thin.png")).unwrap();
    let server = Server::start(&files, &[]);
    let infer = |pictures: &[&str]| {
        let client = Client::new(&files, &server.addr, "infer").path(&files.picture(0));
        let client = pictures.iter().fold(client, |c, picture| c.path(&files.path(picture)));
        let ended = client.run();
        let events = ended.events();
        let named: Vec<String> = events
            .iter()
            .filter(|e| e["event"] == "image_error")
            .map(|e| e["image"].as_str().unwrap().rsplit('/').next().unwrap().to_owned())
            .collect();
        ended.refused(3, "2 of 3 images cannot be classified: nothing was spent on any");
        named
    };
    // Found here, without a connection; found with the server's plan.
    assert_eq!(infer(&["text.png", "missing.png"]), ["text.png", "missing.png"]);
    assert_eq!(infer(&["wide.png", "thin.png"]), ["wide.png", "thin.png"]);
    let served = server.session_end();
    assert_eq!((served.tickets, served.inferences), (None, None));
}

#[test]
fn lines_that_are_no_paths_leave_the_session_as_it_is() {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    let strange = files.folder().join(OsStr::from_bytes(b"\xff\xfe.png"));
    std::fs::copy(files.picture(0), &strange).unwrap();
    let mut client = Client::new(&files, &server.addr, "prepare").with(&["-n", "2"]).start();
    let long = "x".repeat(100_000);
    for (line, words) in [
        (&b""[..], "line 1 of stdin: it is empty"),
        (b"  \t ", "line 2 of stdin: it is empty"),
        (b"no\0path", "line 3 of stdin: there is a NUL byte"),
        (long.as_bytes(), "line 4 of stdin: it is too long"),
        (b"\xc3\x28.png", "No such file"),
    ] {
        client.feed(Path::new(OsStr::from_bytes(line)));
        let event = client.event();
        assert_eq!(event["event"], "image_error");
        assert!(event["message"].as_str().unwrap().contains(words), "{event}");
    }
    client.feed(&strange);
    network().assert_printed(0, &client.event()["logits"]);
    client.feed(&files.picture(1));
    network().assert_printed(1, &client.event()["logits"]);
    client.end().refused(8, "5 images on stdin without an answer");
    let served = server.session_end();
    assert_eq!((served.tickets, served.inferences, served.error), (Some(2), Some(2), None));
}
