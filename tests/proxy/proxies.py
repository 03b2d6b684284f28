"""Real reverse proxies as children, each with its configuration of deploy/."""

import os
import socket
import subprocess

import harness
from harness import Http, free_port

DEPLOY = harness.TOP / "deploy"
OUTSIDE = "127.0.0.9"  # where clients come from, as the proxy sees them


def replaced(text, exchanges):
    """Our files run as they stand, but for ports and folders; each must be there exactly once."""
    for ours, theirs in exchanges:
        assert text.count(ours) == 1, f"{ours} in\n{text}"
        text = text.replace(ours, theirs)
    return text


class Proxy:
    """One proxy in front of the server on port `upstream`, with its files in `directory`."""

    name = None
    configuration = None  # the file of deploy/
    too_long = None       # what it answers to a request line of 200 KB
    passes_missing_host = False

    def __init__(self, directory, upstream):
        self.directory, self.upstream = directory, upstream
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}{harness.PATH}"
        self.output = directory / "output"
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=dict(os.environ, HOME=str(directory), XDG_DATA_HOME=str(directory),
                         XDG_CONFIG_HOME=str(directory)))
        try:
            harness.wait_until(self.listens, f"{self.name} listens")
        except BaseException:
            self.stop()
            raise

    def command(self):
        """Writes its files; the command line that runs it in the foreground."""
        raise NotImplementedError

    def write(self, file, *exchanges):
        (self.directory / file).write_text(
            replaced((DEPLOY / self.configuration).read_text(), exchanges))
        return self.directory / file

    def access_log(self):
        return self.directory / "scepgate.log"

    def listens(self):
        assert self.process.poll() is None, self.output.read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)

    def http(self):
        http = Http(self.port)
        http.connection.source_address = (OUTSIDE, 0)
        return http


class Nginx(Proxy):
    name, configuration, too_long = "nginx", "nginx/scepgate.conf", 414

    def command(self):
        d = self.directory
        self.write("scepgate.conf", ("listen 80;", f"listen 127.0.0.1:{self.port};"),
                   ("server 127.0.0.1:8080;", f"server 127.0.0.1:{self.upstream};"),
                   ("/var/log/nginx/", f"{d}/"))
        temporary = "".join(f"{kind}_temp_path {d}/{kind};\n"
                            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (d / "nginx.conf").write_text(
            ("user root;\n" if os.geteuid() == 0 else "")
            + f"daemon off;\nworker_processes 1;\npid {d}/nginx.pid;\n"
            f"events {{}}\nhttp {{\n{temporary}include {d}/scepgate.conf;\n}}\n")
        return ["/usr/sbin/nginx", "-p", d, "-c", d / "nginx.conf", "-e", d / "error.log"]


class Haproxy(Proxy):
    name, configuration, too_long = "haproxy", "haproxy/scepgate.cfg", 400
    passes_missing_host = True

    def command(self):
        file = self.write(
            "scepgate.cfg", ("bind :80", f"bind 127.0.0.1:{self.port}"),
            ("log /dev/log local0", "log stdout format raw local0"),
            ("server scepgate 127.0.0.1:8080", f"server scepgate 127.0.0.1:{self.upstream}"))
        return ["/usr/sbin/haproxy", "-db", "-f", file]

    def access_log(self):
        return self.output


class HaproxyCluster(Haproxy):
    """In front of two nodes; `upstream`: their ports."""

    configuration = "haproxy/scepgate-cluster.cfg"

    def command(self):
        first, second = self.upstream
        file = self.write(
            "scepgate.cfg", ("bind :80", f"bind 127.0.0.1:{self.port}"),
            ("log /dev/log local0", "log stdout format raw local0"), ("inter 1s", "inter 200ms"),
            ("server node1 10.0.0.11:8080", f"server node1 127.0.0.1:{first}"),
            ("server node2 10.0.0.12:8080", f"server node2 127.0.0.1:{second}"))
        return ["/usr/sbin/haproxy", "-db", "-f", file]

    def says(self, node, state):
        """Whether it has told of this node that it is UP or DOWN."""
        return f"scepgate/{node} is {state}" in self.output.read_text()


class Apache(Proxy):
    name, configuration, too_long = "apache", "apache/scepgate.conf", 414

    def command(self):
        d = self.directory
        self.write("scepgate.conf", ("*:80", f"127.0.0.1:{self.port}"),
                   ("http://127.0.0.1:8080/", f"http://127.0.0.1:{self.upstream}/"),
                   ("/var/log/apache2/", f"{d}/"))
        modules = "".join(f"LoadModule {m}_module /usr/lib/apache2/modules/mod_{m}.so\n"
                          for m in ("mpm_event", "authz_core", "proxy", "proxy_http", "headers"))
        (d / "apache.conf").write_text(
            f"{modules}ServerRoot {d}\nServerName 127.0.0.1\nPidFile {d}/apache.pid\n"
            f"DefaultRuntimeDir {d}\nErrorLog {d}/error.log\nListen 127.0.0.1:{self.port}\n"
            "StartServers 1\nThreadsPerChild 16\nMaxRequestWorkers 16\nMinSpareThreads 1\n"
            f"MaxSpareThreads 32\nIncludeOptional {d}/scepgate.conf\n")
        return ["/usr/sbin/apache2", "-f", d / "apache.conf", "-D", "FOREGROUND"]


class Caddy(Proxy):
    name, configuration = "caddy", "caddy/Caddyfile"
    too_long = 414  # scepgate's own answer

    def command(self):
        file = self.write(
            "scepgate.caddy", ("\n:80 {", f"\nhttp://:{self.port} {{\n\tbind 127.0.0.1"),
            ("reverse_proxy 127.0.0.1:8080", f"reverse_proxy 127.0.0.1:{self.upstream}"),
            ("/var/log/caddy/", f"{self.directory}/"))
        file.write_text("{\n\tadmin off\n}\n" + file.read_text())
        return ["/usr/bin/caddy", "run", "--config", file, "--adapter", "caddyfile"]


ALL = (Nginx, Haproxy, Apache, Caddy)
