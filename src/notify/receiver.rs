//! The other side in tests: a small HTTP server on the loopback that answers as it is told, and
//! keeps what it got.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver as Inbox, Sender};
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::threads;

/// Longer than any test should take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How one request is answered.
pub(super) enum Reply {
    /// With a body that names the path.
    Status(u16),
    /// Status, headers, body.
    With(u16, &'static str, &'static str),
    /// Nothing, until the client goes.
    Hang,
    /// The connection is closed after the request.
    Cut,
    /// The head comes, the body never does.
    HeadOnly(u16),
}

/// What came.
#[derive(Debug)]
pub(super) struct Request {
    /// The request line as it is, headers in lower case.
    pub(super) head: String,
    pub(super) body: String,
}

pub(super) struct Receiver {
    address: SocketAddr,
    scheme: &'static str,
    requests: Inbox<Request>,
}

impl Receiver {
    /// Answers one request after the other with one reply each.
    pub(super) fn new(replies: impl IntoIterator<Item = Reply>) -> Receiver {
        Receiver::start(replies, None)
    }

    /// The same, behind TLS.
    pub(super) fn with_tls(
        replies: impl IntoIterator<Item = Reply>,
        certificate: &Certificate,
    ) -> Receiver {
        Receiver::start(replies, Some(certificate.server()))
    }

    fn start(replies: impl IntoIterator<Item = Reply>, tls: Option<Arc<ServerConfig>>) -> Receiver {
        let replies: Vec<Reply> = replies.into_iter().collect();
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, requests) = mpsc::channel();
        let scheme = if tls.is_some() { "https" } else { "http" };
        threads::spawn("receiver", move || {
            for reply in replies {
                let Ok((stream, _)) = listener.accept() else { return };
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                // A client that does not trust us goes away; the test sees that on its side.
                let _ = match &tls {
                    None => serve(stream, &reply, &sender),
                    Some(tls) => {
                        let connection = ServerConnection::new(Arc::clone(tls)).unwrap();
                        serve(StreamOwned::new(connection, stream), &reply, &sender)
                    }
                };
            }
        })
        .unwrap();
        Receiver { address, scheme, requests }
    }

    /// Without a slash at its end.
    pub(super) fn url(&self) -> String {
        let host = if self.scheme == "https" { "localhost" } else { "127.0.0.1" };
        format!("{}://{host}:{}", self.scheme, self.address.port())
    }

    /// The next request that came.
    pub(super) fn request(&self) -> Request {
        self.requests.recv_timeout(PATIENCE).expect("a request")
    }

    pub(super) fn has_request(&self) -> bool {
        self.requests.try_recv().is_ok()
    }
}

fn serve(
    mut stream: impl Read + Write,
    reply: &Reply,
    requests: &Sender<Request>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(&mut stream);
    let mut head = String::new();
    reader.read_line(&mut head)?;
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        let (name, value) = line.split_once(':').unwrap();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&format!("{}:{value}", name.to_lowercase()));
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    // The test may be over.
    let _ = requests.send(Request { head, body: String::from_utf8(body).unwrap() });
    match reply {
        Reply::Status(status) => {
            let body = format!("no {path}\n");
            let length = body.len();
            write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{body}")?;
        }
        Reply::With(status, headers, body) => {
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
            )?;
        }
        Reply::Hang => stream.read(&mut [0]).map(drop)?,
        Reply::HeadOnly(status) => {
            write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: 9\r\n\r\n")?;
            stream.flush()?;
            stream.read(&mut [0]).map(drop)?;
        }
        Reply::Cut => return Ok(()),
    }
    stream.flush()
}

/// A certificate that only who has its file trusts, for `localhost` and 127.0.0.1.
pub(super) struct Certificate {
    pub(super) file: PathBuf,
    pub(super) key: PathBuf,
}

impl Certificate {
    pub(super) fn new(folder: &Path) -> Certificate {
        let (file, key) = (folder.join("cert.pem"), folder.join("key.pem"));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
            .args(["-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout"])
            .arg(&key)
            .arg("-out")
            .arg(&file)
            .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .output()
            .expect("openssl is there");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Certificate { file, key }
    }

    fn server(&self) -> Arc<ServerConfig> {
        let certificate = CertificateDer::from_pem_file(&self.file).unwrap();
        let key = PrivateKeyDer::from_pem_file(&self.key).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        Arc::new(config)
    }
}

/// Where nobody listens.
pub(super) fn closed_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}
