#!/bin/bash
# A certificate of the instance's own, for the way from the load balancer to it: load balancers don't check who signed
# it. It stands before nginx is configured and started, and stays while the instance lives.
set -euo pipefail
umask 077
certificate=/etc/pki/tls/certs/backend.crt
key=/etc/pki/tls/private/backend.key
if [[ ! -s $certificate || ! -s $key ]]; then
  openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=backend" -keyout "$key" -out "$certificate"
fi
