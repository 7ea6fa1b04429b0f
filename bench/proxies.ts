/** Configs of the proxies to compare with: one worker, kept connections, an access log in a file, nothing buffered. */

export function nginxConfig(folder: string, port: number, upstreamPort: number): string {
  return `daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
events { worker_connections 1024; }
http {
  access_log ${folder}/nginx.log combined buffer=4k flush=1s;
  client_body_temp_path ${folder}/nginx-body;
  proxy_temp_path ${folder}/nginx-proxy;
  fastcgi_temp_path ${folder}/nginx-f;
  uwsgi_temp_path ${folder}/nginx-u;
  scgi_temp_path ${folder}/nginx-s;
  client_body_buffer_size 64k;
  keepalive_requests 1000000;
  tcp_nodelay on;
  upstream models { server 127.0.0.1:${upstreamPort}; keepalive 64; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${port} backlog=1024;
    location / {
      proxy_pass http://models;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }
  }
}
`;
}

export function envoyConfig(folder: string, port: number, upstreamPort: number): string {
  return `static_resources:
  listeners:
    - name: door
      address: { socket_address: { address: 127.0.0.1, port_value: ${port} } }
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: door
                access_log:
                  - name: envoy.access_loggers.file
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
                      path: ${folder}/envoy.log
                http_filters:
                  - name: envoy.filters.http.router
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
                route_config:
                  virtual_hosts:
                    - name: all
                      domains: ["*"]
                      routes:
                        - match: { prefix: / }
                          route: { cluster: models, timeout: 60s }
  clusters:
    - name: models
      type: STATIC
      connect_timeout: 5s
      load_assignment:
        cluster_name: models
        endpoints:
          - lb_endpoints:
              - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${upstreamPort} } } }
`;
}
