//! Names of hosting and content networks, where many strangers share addresses or a parent domain.
//!
//! The suffixes are what the providers document as the names of their customers' hosts. The table serves warnings only:
//! what is not in it is not thereby anybody's own.

/// Whose names these are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shared {
    /// The parent of the customers' names.
    suffix: &'static str,
    /// The provider, as a person calls it.
    pub(crate) provider: &'static str,
    /// Who may get a name beneath.
    tenancy: Tenancy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tenancy {
    /// The provider's own names; only the addresses are shared.
    Provider,
    /// Every customer, right beneath the suffix.
    Customers,
    /// Every customer, beneath the suffix or beneath a region or service in between.
    Regions,
}
use Tenancy::{Customers, Provider, Regions};

const fn row(suffix: &'static str, provider: &'static str, tenancy: Tenancy) -> Shared {
    Shared { suffix, provider, tenancy }
}

const TABLE: [Shared; 50] = [
    // Content networks.
    row("cloudfront.net", "Amazon CloudFront", Customers),
    row("fastly.net", "Fastly", Regions),
    row("fastlylb.net", "Fastly", Customers),
    row("akamai.net", "Akamai", Customers),
    row("akamaiedge.net", "Akamai", Customers),
    row("akamaihd.net", "Akamai", Customers),
    row("akamaized.net", "Akamai", Customers),
    row("edgekey.net", "Akamai", Customers),
    row("edgesuite.net", "Akamai", Customers),
    row("cdn.cloudflare.net", "Cloudflare", Customers),
    row("azureedge.net", "Azure CDN", Customers),
    row("azurefd.net", "Azure Front Door", Regions),
    row("b-cdn.net", "bunny.net", Customers),
    row("cdn77.org", "CDN77", Customers),
    row("jsdelivr.net", "jsDelivr", Provider),
    // Pages, functions and applications.
    row("github.io", "GitHub Pages", Customers),
    row("githubusercontent.com", "GitHub's content network", Provider),
    row("gitlab.io", "GitLab Pages", Customers),
    row("pages.dev", "Cloudflare Pages", Customers),
    row("workers.dev", "Cloudflare Workers", Customers),
    row("r2.dev", "Cloudflare R2", Customers),
    row("trycloudflare.com", "Cloudflare Tunnel", Customers),
    row("vercel.app", "Vercel", Customers),
    row("netlify.app", "Netlify", Customers),
    row("herokuapp.com", "Heroku", Customers),
    row("onrender.com", "Render", Customers),
    row("fly.dev", "Fly.io", Customers),
    row("railway.app", "Railway", Regions),
    row("deno.dev", "Deno Deploy", Customers),
    row("replit.app", "Replit", Customers),
    row("repl.co", "Replit", Customers),
    row("glitch.me", "Glitch", Customers),
    row("surge.sh", "Surge", Customers),
    row("web.app", "Firebase Hosting", Customers),
    row("firebaseapp.com", "Firebase Hosting", Customers),
    row("appspot.com", "Google App Engine", Regions),
    row("run.app", "Google Cloud Run", Regions),
    row("cloudfunctions.net", "Google Cloud Functions", Customers),
    row("storage.googleapis.com", "Google Cloud Storage", Customers),
    row("googleusercontent.com", "Google's hosting of users' content", Regions),
    row("amazonaws.com", "Amazon Web Services", Regions),
    row("azurewebsites.net", "Azure App Service", Customers),
    row("cloudapp.azure.com", "Azure", Regions),
    row("core.windows.net", "Azure Storage", Regions),
    row("trafficmanager.net", "Azure Traffic Manager", Customers),
    row("digitaloceanspaces.com", "DigitalOcean Spaces", Regions),
    row("supabase.co", "Supabase", Customers),
    row("ngrok.io", "ngrok", Customers),
    row("ngrok.app", "ngrok", Customers),
    row("ngrok-free.app", "ngrok", Customers),
];

/// Whether a name (lower case, ASCII form) is a host of such a network, whose addresses strangers share.
pub(crate) fn host(name: &str) -> Option<&'static Shared> {
    TABLE.iter().find(|shared| name == shared.suffix || beneath(name, shared.suffix))
}

/// Whether anyone can get a name beneath this one: `github.io`, `s3.amazonaws.com`, and `windows.net`, beneath which
/// such a parent lies.
pub(crate) fn parent(name: &str) -> Option<&'static Shared> {
    TABLE.iter().find(|shared| match shared.tenancy {
        Provider => false,
        Customers => name == shared.suffix || beneath(shared.suffix, name),
        Regions => name == shared.suffix || beneath(shared.suffix, name) || beneath(name, shared.suffix),
    })
}

fn beneath(name: &str, parent: &str) -> bool {
    name.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_under_which_anyone_gets_a_name() {
        for name in [
            "github.io",
            "s3.amazonaws.com",
            "s3.eu-west-1.amazonaws.com",
            "amazonaws.com",
            "windows.net",
            "blob.core.windows.net",
            "googleapis.com",
            "cloudflare.net",
            "europe-west1.run.app",
        ] {
            assert!(parent(name).is_some(), "{name}");
        }
        for name in [
            "me.github.io",
            "notgithub.io",
            "githubusercontent.com",
            "example.com",
            "github.com",
            "x.vercel.app",
        ] {
            assert_eq!(parent(name), None, "{name}");
        }
    }

    #[test]
    fn hosts_that_share_addresses() {
        for name in
            ["d111111abcdef8.cloudfront.net", "raw.githubusercontent.com", "me.github.io", "github.io"]
        {
            assert!(host(name).is_some(), "{name}");
        }
        for name in ["api.github.com", "evilgithub.io", "net", "example.net"] {
            assert!(host(name).is_none(), "{name}");
        }
    }

    #[test]
    fn the_table_has_each_suffix_once_and_in_its_plain_form() {
        for (index, shared) in TABLE.iter().enumerate() {
            assert!(TABLE[..index].iter().all(|other| other.suffix != shared.suffix), "{}", shared.suffix);
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
            assert!(shared.suffix.contains('.') && shared.suffix.chars().all(plain), "{}", shared.suffix);
        }
    }
}
