//! One page without scripts: flows that open and close, with their findings.

use std::fmt::Write;

use super::words::{class, escape, phrases};
use crate::tree::node::Node;
use crate::verdict::Severity;

pub(super) fn render(nodes: &[Node]) -> String {
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>Flows</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<h1>Flows</h1>\n<p class=\"summary\">{}</p>\n",
        summary(nodes)
    );
    for node in nodes {
        add(node, true, &mut text);
    }
    text.push_str("</body>\n</html>\n");
    text
}

fn summary(nodes: &[Node]) -> String {
    let findings: Vec<_> = nodes.iter().flat_map(Node::all_findings).collect();
    let errors = findings.iter();
    let errors = errors
        .filter(|finding| finding.severity == Severity::Error)
        .count();
    let warnings = findings.len() - errors;
    format!(
        "{errors} errors, {warnings} warnings in {} flows",
        nodes.len()
    )
}

/// A flow without findings is closed at first, unless it is the only one.
fn add(node: &Node, root: bool, text: &mut String) {
    let (class, title) = (class(node), escape(&node.title));
    let facts = escape(&phrases(node));
    let facts = format!("<span class=\"facts\">{facts}</span>");
    let open = if !root || !node.all_findings().is_empty() {
        " open"
    } else {
        ""
    };
    if node.children.is_empty() {
        let _ = write!(
            text,
            "<div class=\"leaf\"><b class=\"{class}\">{title}</b> {facts}"
        );
        findings(node, text);
        text.push_str("</div>\n");
        return;
    }
    let root = if root { " class=\"flow\"" } else { "" };
    let _ = writeln!(
        text,
        "<details{root}{open}><summary><b class=\"{class}\">{title}</b> {facts}</summary>"
    );
    findings(node, text);
    for child in &node.children {
        add(child, false, text);
    }
    text.push_str("</details>\n");
}

fn findings(node: &Node, text: &mut String) {
    for finding in &node.findings {
        let (severity, code) = (finding.severity.as_str(), finding.rule.code);
        let (message, help) = (finding.message.to_string(), &finding.help);
        let (name, message, help) = (finding.rule.name, escape(&message), escape(help));
        let _ = writeln!(
            text,
            "<p class=\"finding {severity}\"><code>{code} {name}</code> {message}\
             <br><span class=\"help\">{help}</span></p>"
        );
    }
}

const STYLE: &str = "\
body{font:15px/1.5 ui-sans-serif,system-ui,sans-serif;color:#1f2328;background:#fff;max-width:75rem;margin:2rem auto;padding:0 1rem}\
details,.leaf{margin-left:1.4rem}details.flow{margin:0 0 .6rem;padding:.5rem .8rem;border:1px solid #d1d9e0;border-radius:6px}\
summary{cursor:pointer}.facts{color:#59636e;font-size:.87em}b{font-weight:600;padding:0 .3em;border-radius:3px}\
b.canary{background:#fff8c5}b.stable{background:#dafbe1}b.missing{color:#cf222e;border:1px dashed #cf222e}\
b.error{background:#ffebe9}b.warning{background:#fff1e5}\
.finding{margin:.2rem 0 .2rem 1.4rem;padding:.3rem .6rem;border-left:3px solid}.finding.error{border-color:#cf222e;background:#ffebe9}\
.finding.warning{border-color:#bc4c00;background:#fff1e5}.help{color:#59636e}\
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#f0f6fc}details.flow{border-color:#3d444d}.facts,.help{color:#9198a1}\
b.canary{background:#4b3a00}b.stable{background:#0f3d1e}b.error,.finding.error{background:#4b1113}b.warning,.finding.warning{background:#4a2500}}";
