# SPDX-License-Identifier: BSD-3-Clause
"""shop - nginx with a few static pages, everything it writes in a folder of its own."""

import os
import time

from net import SHOP4, SHOP6
from procs import ProcError, Program

PAGES = {"index.html": 2_000, "list.html": 12_000, "item.html": 6_000, "search.html": 8_000}
PLACES = 1024  # connections that nginx has to give
CUSTOMER_PATHS = "/,/list.html,/item.html"
BOT_PATHS = "/search.html"

CONFIG = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
worker_rlimit_nofile 65535;
events {{ worker_connections {places}; multi_accept on; }}
http {{
	access_log off;
	client_body_temp_path {folder}/body;
	proxy_temp_path {folder}/proxy;
	fastcgi_temp_path {folder}/fastcgi;
	uwsgi_temp_path {folder}/uwsgi;
	scgi_temp_path {folder}/scgi;
	types {{ text/html html; }}
	sendfile on;
	keepalive_requests 1000000;
	keepalive_timeout 75s;
	client_header_timeout 5s;
	open_file_cache max=16 inactive=60s;
	server {{
		listen {four}:80 backlog=65535;
		listen [{six}]:80 backlog=65535;
		root {folder}/www;
	}}
}}
"""


class Shop:
    """The web shop that everybody wants to reach."""

    def __init__(self, net, folder, core):
        self.net, self.core = net, core
        self.folder = os.path.join(folder, "shop")
        self.program = None

    def _furnish(self):
        www = os.path.join(self.folder, "www")
        os.makedirs(www, exist_ok=True)
        for page, size in PAGES.items():
            with open(os.path.join(www, page), "w", encoding="ascii") as out:
                out.write(("Welcome to the shop. " * (size // 21 + 1))[:size])
        with open(os.path.join(self.folder, "nginx.conf"), "w", encoding="ascii") as out:
            out.write(CONFIG.format(folder=self.folder, four=SHOP4, six=SHOP6, places=PLACES))

    def open(self):
        """Start nginx and wait until it listens."""
        self._furnish()
        # The error log is named before the configuration is read, else nginx complains
        # about its packaged one.
        self.program = Program(
            self.net, "shop",
            ["nginx", "-e", f"{self.folder}/nginx-error.log", "-c", f"{self.folder}/nginx.conf"],
            os.path.join(self.folder, "nginx.log"), self.core)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            self.program.must_live()
            if f":{80:04X} " in self.net.inside("shop", "cat", "/proc/net/tcp"):
                return
            time.sleep(0.1)
        raise ProcError("nginx does not listen after ten seconds: " + self.program.last_words())

    def close(self):
        """End nginx."""
        if self.program is not None:
            self.program.stop()
