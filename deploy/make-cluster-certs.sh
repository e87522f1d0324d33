#!/usr/bin/env bash
# Makes the authority of a cluster, and a certificate for each machine.
#
#   deploy/make-cluster-certs.sh FOLDER NAME...
#
# FOLDER/ca.pem and FOLDER/ca-key.pem are made once; further calls add machines.
# Give each machine ca.pem, NAME.pem and NAME-key.pem. Whoever holds a key of
# this authority is let in, so ca-key.pem stays on the machine that runs this,
# or somewhere safer.
set -euo pipefail
if [ "$#" -lt 2 ]; then
  sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
folder=$1
shift
days=3650
umask 077
mkdir -p "$folder"

new_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }

if [ ! -e "$folder/ca-key.pem" ]; then
  new_key "$folder/ca-key.pem"
  openssl req -x509 -new -sha256 -key "$folder/ca-key.pem" -days "$days" \
    -subj "/CN=Model Server cluster authority" \
    -addext "basicConstraints=critical,CA:TRUE,pathlen:0" \
    -addext "keyUsage=critical,keyCertSign" -out "$folder/ca.pem"
fi
for name in "$@"; do
  if [ -e "$folder/$name.pem" ]; then
    echo "$folder/$name.pem is there already" >&2
    exit 1
  fi
  new_key "$folder/$name-key.pem"
  openssl req -new -sha256 -key "$folder/$name-key.pem" -subj "/CN=$name" |
    openssl x509 -req -sha256 -days "$days" -CA "$folder/ca.pem" \
      -CAkey "$folder/ca-key.pem" -CAcreateserial -out "$folder/$name.pem" \
      -extfile <(printf '%s\n' "basicConstraints=critical,CA:FALSE" \
        "keyUsage=critical,digitalSignature" \
        "extendedKeyUsage=serverAuth,clientAuth") 2>/dev/null
  echo "$folder/$name.pem"
done
