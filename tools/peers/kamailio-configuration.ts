/* How Kamailio is told what kamailio.ts promises. */
import type { Certificate } from './certificates.js';

/** The one domain that it serves. Nobody looks it up. */
export const kamailioDomain = 'sip.example.org';

/** A trunk: a domain of somebody else, who sits at a fixed place and is trusted to speak for it. */
export interface KamailioTrunk {
  readonly domain: string;
  readonly port: number;
  readonly transport: 'udp' | 'tcp' | 'tls';
}

export interface KamailioOptions {
  /** False: who sends a MESSAGE is believed. What else users do is always asked for a digest. */
  readonly asksForMessages?: boolean;
  /** The hash of digests; MD5 unless said. */
  readonly algorithm?: 'MD5' | 'SHA-256';
  /** After so many seconds a nonce is stale; 300 unless said. */
  readonly nonceSeconds?: number;
  /** Who may watch: everybody, or whom `admit` lets; the others are pending and seen in presence.winfo. */
  readonly watchers?: 'all' | 'admitted';
  readonly trunks?: readonly KamailioTrunk[];
  /** After so long without a final answer it answers 408 itself; 8 s unless said. */
  readonly answerMs?: number;
}

interface Parts {
  readonly directory: string;
  readonly port: number;
  readonly tlsPort: number;
  readonly options: KamailioOptions;
}

export function tlsConfiguration({ certificateFile, keyFile }: Certificate): string {
  return `[server:default]
method = TLSv1.2+
verify_certificate = no
require_certificate = no
private_key = ${keyFile}
certificate = ${certificateFile}
[client:default]
verify_certificate = no
require_certificate = no
`;
}

const modules = [
  ...['db_sqlite', 'kex', 'ctl', 'tm', 'tmx', 'sl', 'rr', 'pv', 'maxfwd', 'usrloc', 'registrar', 'textops'],
  ...['siputils', 'sanity', 'nathelper', 'auth', 'auth_db', 'tls', 'xcap_server', 'presence', 'presence_xml'],
];

export function kamailioConfiguration({ directory, port, tlsPort, options }: Parts): string {
  const [own, ownTls] = [`127.0.0.1:${String(port)}`, `127.0.0.1:${String(tlsPort)}`];
  const database = `sqlite:///${directory}/kamailio.db`;
  const { trunks = [], algorithm = 'MD5', nonceSeconds = 300, answerMs = 8_000 } = options;
  return `#!KAMAILIO
debug=1
log_stderror=yes
children=2
tcp_children=2
auto_aliases=no
fork=yes
disable_core_dump=yes
server_signature=no
tcp_connection_lifetime=3605
enable_tls=yes

listen=udp:${own}
listen=tcp:${own}
listen=tls:${ownTls}
alias="${kamailioDomain}"
alias="${own}"
alias="${ownTls}"

${modules.map((name) => `loadmodule "${name}.so"`).join('\n')}

modparam("ctl", "binrpc", "unix:${directory}/control")
modparam("tm", "failure_reply_mode", 3)
modparam("tm", "fr_timer", ${String(answerMs)})
modparam("tm", "fr_inv_timer", 60000)
modparam("rr", "enable_full_lr", 1)
modparam("rr", "append_fromtag", 1)
modparam("registrar", "method_filtering", 0)
modparam("registrar", "max_expires", 3600)
modparam("registrar", "default_expires", 300)
modparam("registrar", "use_path", 1)
modparam("registrar", "gruu_enabled", 0)
modparam("registrar", "received_avp", "$avp(RECEIVED)")
modparam("usrloc", "db_mode", 0)
modparam("usrloc", "use_domain", 0)
modparam("nathelper", "received_avp", "$avp(RECEIVED)")
modparam("auth", "algorithm", "${algorithm}")
modparam("auth", "nonce_expire", ${String(nonceSeconds)})
modparam("auth_db", "db_url", "${database}")
modparam("auth_db", "calculate_ha1", yes)
modparam("auth_db", "password_column", "password")
modparam("auth_db", "load_credentials", "")
modparam("tls", "config", "${directory}/tls.cfg")
modparam("xcap_server", "db_url", "${database}")
modparam("presence", "db_url", "${database}")
modparam("presence", "server_address", "sip:${own}")
modparam("presence", "send_fast_notify", 1)
modparam("presence", "min_expires_action", 2)
modparam("presence", "min_expires", 5)
modparam("presence", "max_expires", 3600)
# With anything else it locks itself out of SQLite, or crashes.
modparam("presence", "subs_db_mode", 1)
modparam("presence", "publ_cache", 2)
modparam("presence", "notifier_processes", 0)
modparam("presence_xml", "db_url", "${database}")
modparam("presence_xml", "force_active", ${options.watchers === 'admitted' ? '0' : '1'})
modparam("presence_xml", "integrated_xcap_server", 1)

request_route {
    # What is -1 of an authentication below: nobody could look, which does not say that a password is wrong.
    if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
    if (!sanity_check("17895", "7")) exit;
    force_rport();
    if (is_method("REGISTER")) fix_nated_register(); else set_contact_alias();

    if (is_method("OPTIONS") && uri == myself && $rU == $null) { sl_send_reply("200", "Keepalive"); exit; }
    if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
    if (!is_method("ACK")) { if (t_precheck_trans()) { t_check_trans(); exit; } t_check_trans(); }

    if (has_totag()) {
        if (loose_route()) { handle_ruri_alias(); t_relay(); exit; }
        if (is_method("SUBSCRIBE|PUBLISH") && uri == myself) { route(PRESENCE); exit; }
        if (is_method("ACK")) { if (t_check_trans()) t_relay(); exit; }
        handle_ruri_alias();
        if (uri == myself && !is_method("BYE")) { sl_send_reply("404", "Not here"); exit; }
        t_relay();
        exit;
    }

    if (is_method("REGISTER")) {
        if (!www_authenticate("$td", "subscriber")) {
            if ($rc == -1) { sl_send_reply("500", "The database is busy"); exit; }
            www_challenge("$td", "1");
            exit;
        }
        if ($au != $tU) { sl_send_reply("403", "Forbidden auth ID"); exit; }
        if (!save("location")) sl_reply_error();
        exit;
    }
    if (from_uri == myself) {
        ${options.asksForMessages === false ? 'if (!is_method("ACK|MESSAGE"))' : 'if (!is_method("ACK"))'} {
            if (!proxy_authenticate("$fd", "subscriber")) {
                if ($rc == -1) { sl_send_reply("500", "The database is busy"); exit; }
                proxy_challenge("$fd", "1");
                exit;
            }
            if ($au != $fU) { sl_send_reply("403", "Forbidden auth ID"); exit; }
            consume_credentials();
        }
    } else {
        # Trunks speak for their domains; nobody else's is relayed to strangers.
        $var(trusted) = 0;
${trunks.map(({ domain }) => `        if ($fd == "${domain}") $var(trusted) = 1;`).join('\n')}
        if ($var(trusted) == 0 && uri != myself) { sl_send_reply("403", "Not relaying"); exit; }
    }

    remove_hf("Route");
    if (is_method("INVITE|SUBSCRIBE")) record_route();
${trunks.map(towards).join('\n')}
    if (is_method("PUBLISH|SUBSCRIBE") && uri == myself) { route(PRESENCE); exit; }
    if ($rU == $null) { sl_send_reply("484", "Address Incomplete"); exit; }
    if (uri == myself) {
        # peerNNNNN is whoever listens at UDP port NNNNN.
        if ($rU =~ "^peer[0-9]+$") { $du = "sip:127.0.0.1:" + $(rU{s.substr,4,0}); t_relay(); exit; }
        if (!lookup("location")) {
            switch ($rc) {
                case -2: send_reply("405", "Method Not Allowed"); exit;
                default: send_reply("404", "Not Found"); exit;
            }
        }
        handle_ruri_alias();
    }
    t_relay();
}

route[PRESENCE] {
    if (!t_newtran()) { sl_reply_error(); exit; }
    if (is_method("PUBLISH")) handle_publish(); else handle_subscribe();
    t_release();
}
`;
}

function towards({ domain, port, transport }: KamailioTrunk): string {
  const target = `sip:127.0.0.1:${String(port)};transport=${transport}`;
  return `    if ($rd == "${domain}") { $du = "${target}"; t_relay(); exit; }`;
}
