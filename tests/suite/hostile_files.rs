//! Files that hang, grow, lead elsewhere or lie by their names: `check` and `fix` tell of them and do the rest.
#![cfg(unix)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde_json::Value;

use crate::cli::{UNNAMED, guard, guard_with, scratch, stderr, stdout};

/// An error of its own: two roles are one Service.
const ROLLOUT: &str = "\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: app}
spec:
  strategy: {canary: {canaryService: app, stableService: app}}
";

/// What `fix` completes.
fn fixable(folder: &Path) {
    let rollout = crate::tidy::root().join("examples/subset-level/rollout.yaml");
    fs::copy(rollout, folder.join("rollout.yaml")).unwrap();
    fs::write(folder.join("vs.yaml"), UNNAMED).unwrap();
}

#[test]
fn what_is_no_regular_file_is_told_and_passed_over() {
    let folder = scratch("special");
    fs::write(folder.join("app.yaml"), ROLLOUT).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(folder.join("fifo.yaml"))
            .status()
            .unwrap()
            .success()
    );
    let _socket = UnixListener::bind(folder.join("s.yaml"));
    symlink("/dev/zero", folder.join("zero.json")).unwrap();
    let output = guard(&["check", &folder.to_string_lossy()]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stdout(&output).contains("RG103"), "{}", stdout(&output));
    let told = stderr(&output);
    assert!(
        told.contains("fifo.yaml: is not read: it is no regular file but a FIFO"),
        "{told}"
    );
    assert!(
        told.contains("zero.json: is not read: it is a link that leads out"),
        "{told}"
    );
    let given = guard(&["check", &folder.join("fifo.yaml").to_string_lossy()]);
    assert_eq!(given.status.code(), Some(2));
}

#[test]
fn no_link_leads_out_of_the_given_folders() {
    let folder = scratch("links");
    let (inside, outside) = (folder.join("inside"), folder.join("outside"));
    fs::create_dir_all(inside.join("below")).unwrap();
    fs::create_dir_all(&outside).unwrap();
    fs::write(outside.join("secret.yaml"), ROLLOUT).unwrap();
    fs::write(inside.join("below/app.yaml"), ROLLOUT).unwrap();
    symlink("../outside/secret.yaml", inside.join("secret.yaml")).unwrap();
    symlink("below/app.yaml", inside.join("again.yaml")).unwrap();
    symlink("../outside", inside.join("more")).unwrap();
    let output = guard(&["check", &inside.to_string_lossy()]);
    assert_eq!(output.status.code(), Some(2));
    let (text, told) = (stdout(&output), stderr(&output));
    assert!(
        text.contains("in 1 object"),
        "the link within the folder is the same file: {text}"
    );
    assert!(
        told.contains("secret.yaml: is not read: it is a link that leads out"),
        "{told}"
    );
    assert!(told.contains("more is a link that leads out"), "{told}");
    let both = [inside.to_string_lossy(), outside.to_string_lossy()];
    let output = guard(&["check", &both[0], &both[1]]);
    assert_eq!(
        output.status.code(),
        Some(1),
        "both are given: {}",
        stderr(&output)
    );
    assert!(
        stdout(&output).contains("is defined twice"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn a_file_has_at_most_64_mib() {
    let folder = scratch("large");
    fs::write(folder.join("app.yaml"), ROLLOUT).unwrap();
    let large = fs::File::create(folder.join("large.yaml")).unwrap();
    large.set_len((64 << 20) + 1).unwrap();
    let output = guard(&["check", &folder.to_string_lossy()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("large.yaml: is not read: it is larger than 64 MiB"));
    assert!(stdout(&output).contains("RG103"));
}

#[test]
fn a_name_forges_no_line_of_output() {
    let folder = scratch("names");
    let name = "a\n::error file=x::forged\u{202e}\u{1b}[31m.yaml";
    fs::write(folder.join(name), ROLLOUT).unwrap();
    fs::write(folder.join("b\n::error ::.yaml"), "a: {").unwrap();
    fs::write(
        folder.join(OsStr::from_bytes(b"c\xff\n::error ::.yaml")),
        UNNAMED,
    )
    .unwrap();
    let rollout = ROLLOUT.replace("name: app", "name: \"b\\n::error ::\\e[0m\\u202e\"");
    fs::write(folder.join("d.yaml"), rollout).unwrap();
    let path = folder.to_string_lossy();
    for arguments in [
        &["check", &path][..],
        &["fix", "--diff", &path],
        &["fix", "--write", &path],
    ] {
        let output = guard(arguments);
        let text = stdout(&output) + &stderr(&output);
        assert!(!text.contains("\n::error"), "{text}");
        assert!(!text.contains(['\u{202e}', '\u{1b}']), "{text}");
    }
    let json = stdout(&guard(&["check", "-o", "json", &path]));
    assert!(!json.contains(['\u{202e}', '\u{1b}']), "{json}");
    let report: Value = serde_json::from_str(&json).unwrap();
    let file = report["findings"][0]["file"].as_str().unwrap();
    assert!(
        file.ends_with(name),
        "programs get the name as it is: {file}"
    );
}

#[test]
fn nested_anchors_and_wide_mappings_cost_what_they_weigh() {
    let anchors: Vec<String> = (0..110).map(|level| format!("&a{level} [")).collect();
    let anchors = anchors.concat();
    let nested = format!("{anchors}{}{}\n", "7, ".repeat(300_000), "]".repeat(110));
    let keys: Vec<String> = (0..200_000).map(|key| format!("k{key}: 1\n")).collect();
    let started = Instant::now();
    for text in [nested, keys.concat()] {
        let output = guard_with(&["check", "-"], &text);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn fix_keeps_mode_and_owner_and_leaves_nothing_behind() {
    let folder = scratch("mode");
    fixable(&folder);
    let file = folder.join("vs.yaml");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let before = fs::metadata(&file).unwrap();
    let output = guard(&["fix", "--write", &folder.to_string_lossy()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let after = fs::metadata(&file).unwrap();
    assert_ne!(fs::read_to_string(&file).unwrap(), UNNAMED);
    assert_eq!(after.permissions().mode() & 0o7777, 0o640);
    assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
}

/// A limit on the size of files stands for a full disk: the write of the temporary file fails.
#[test]
fn fix_leaves_a_file_as_it_was_if_it_cannot_be_written() {
    let folder = scratch("full");
    fixable(&folder);
    let padding = "# padding\n".repeat(300);
    fs::write(folder.join("vs.yaml"), padding.clone() + UNNAMED).unwrap();
    let script = "trap '' XFSZ; ulimit -f 1; exec \"$0\" fix --write \"$1\"";
    let output = Command::new("bash")
        .args(["-c", script, env!("CARGO_BIN_EXE_rollout-guard")])
        .arg(&folder)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("vs.yaml: "), "{}", stderr(&output));
    let text = fs::read_to_string(folder.join("vs.yaml")).unwrap();
    assert_eq!(text, padding + UNNAMED);
    assert_eq!(
        fs::read_dir(&folder).unwrap().count(),
        2,
        "no temporary file stays"
    );
}

#[test]
fn fix_writes_through_no_link() {
    let folder = scratch("write-links");
    fixable(&folder);
    let outside = folder.join("outside.txt");
    fs::rename(folder.join("vs.yaml"), &outside).unwrap();
    symlink("outside.txt", folder.join("vs.yaml")).unwrap();
    let output = guard(&["fix", "--write", &folder.to_string_lossy()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("vs.yaml: is a link"),
        "{}",
        stderr(&output)
    );
    assert_eq!(fs::read_to_string(&outside).unwrap(), UNNAMED);
    assert!(
        fs::symlink_metadata(folder.join("vs.yaml"))
            .unwrap()
            .is_symlink()
    );
}

#[test]
fn fix_edits_no_value_that_an_alias_repeats() {
    let folder = scratch("aliases");
    fixable(&folder);
    let repeated = "  http: &http\n  - route:";
    let shared = UNNAMED.replace("  http:\n  - route: # ours", repeated)
        + "---\n# another document has anchors of its own\nkind: Other\n";
    let shared = shared.replace("---\n", "status: {seen: *http}\n---\n");
    fs::write(folder.join("vs.yaml"), &shared).unwrap();
    let output = guard(&["fix", "--write", &folder.to_string_lossy()]);
    assert!(
        stderr(&output).contains("vs.yaml:8: not edited: an alias repeats this value elsewhere"),
        "{}",
        stderr(&output)
    );
    assert_eq!(fs::read_to_string(folder.join("vs.yaml")).unwrap(), shared);
}

#[test]
fn a_descriptor_of_the_shell_is_read_like_standard_input() {
    let script = "exec \"$0\" check <(printf %s \"$1\")";
    let output = Command::new("bash")
        .args(["-c", script, env!("CARGO_BIN_EXE_rollout-guard"), ROLLOUT])
        .output()
        .unwrap();
    assert!(stdout(&output).contains("RG103"), "{}", stderr(&output));
}
