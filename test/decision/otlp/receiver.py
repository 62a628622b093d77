"""A receiver of OTLP logs over HTTP: takes JSON that OpenTelemetry's own protobuf messages take, and prints what it took.

Fields that OTLP does not have, and values of another type, are refused with 400. One line of JSON a request goes to
standard output; the first line is the port.
"""
import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from google.protobuf.json_format import MessageToDict, Parse
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path != "/v1/logs" or self.headers["content-type"] != "application/json":
            return self.answer(404, {})
        try:
            taken = MessageToDict(Parse(body, ExportLogsServiceRequest()))
        except Exception as error:  # pylint: disable=broad-except
            print(json.dumps({"refused": str(error)}), flush=True)
            return self.answer(400, {})
        print(json.dumps({"taken": taken, "headers": dict(self.headers)}), flush=True)
        return self.answer(200, {})

    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_port, flush=True)
try:
    server.serve_forever()
except KeyboardInterrupt:
    sys.exit(0)
