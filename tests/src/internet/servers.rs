//! The configuration of nginx: who answers on which address by which name.

use std::fmt::Write;
use std::path::Path;

use super::hosts::{HOSTS, Host, Role, bracketed};
use super::texts::Secrets;

/// Where nginx wants to write.
const TEMPORARY: &[&str] = &["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

/// Who gives a long page.
const BULK_AT: &str = "api.shop.example";

/// The configuration of nginx; `place` holds the certificates, the repository and the log.
pub(super) fn configuration(place: &Path, secrets: &Secrets) -> String {
    let at = place.display();
    let mut text = format!(
        "daemon off;\nmaster_process off;\nworker_processes 1;\npid {at}/nginx.pid;\nerror_log {at}/nginx.err warn;\n\
         events {{ worker_connections 20000; }}\nhttp {{\n\
         log_format told '$remote_addr $server_addr:$server_port tls=$ssl_server_name host=$http_host $request';\n\
         access_log {at}/access.log told;\nserver_names_hash_bucket_size 128;\ndefault_type text/plain;\n\
         ssl_certificate_key {at}/host.key;\nssl_protocols TLSv1.2 TLSv1.3;\nkeepalive_timeout 120;\n"
    );
    for name in TEMPORARY {
        let _ = writeln!(text, "{name}_temp_path {at}/{name};");
    }
    for host in HOSTS {
        text.push_str(&server(host, place, secrets));
    }
    text.push_str("}\n");
    text
}

fn server(host: &Host, place: &Path, secrets: &Secrets) -> String {
    let at = place.display();
    let ports: &[&str] = match host.role {
        Role::Plain => &["80", "8080"],
        Role::Relay => &["80", "443 ssl"],
        _ => &["80", "8080", "443 ssl"],
    };
    let default = if host.role == Role::Default { " default_server" } else { "" };
    let mut text = "server {\n".to_owned();
    for address in host.addresses {
        for port in ports {
            let _ = writeln!(text, "  listen {}:{port}{default};", bracketed(address));
        }
    }
    let _ = writeln!(text, "  server_name {};", host.name);
    if host.role != Role::Plain {
        let _ = writeln!(text, "  ssl_certificate {at}/{}.pem;", host.name);
    }
    let page = match host.role {
        Role::Repository => format!("root {at}/repositories;"),
        _ => format!("return 200 '{}\\n';", secrets.of(host.name)),
    };
    if host.name == BULK_AT {
        let _ = writeln!(text, "  location = /bulk {{ alias {at}/bulk; }}");
    }
    if host.name == "api.github.com" {
        let found = secrets.number();
        let answer = format!("{{\"total_count\":{found},\"incomplete_results\":false,\"items\":[]}}");
        let _ =
            writeln!(text, "  location /search {{ default_type application/json; return 200 '{answer}'; }}");
    }
    let _ = writeln!(text, "  location / {{ {page} }}\n}}");
    text
}
