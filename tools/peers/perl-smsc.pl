#!/usr/bin/perl
# An SMSC on Net::SMPP (Debian: libnet-smpp-perl), so that what tests bind to shares no line with what they test.
#
#   perl perl-smsc.pl port=N control=N password=WORD [name=value ...]
#
#   ids=decimal|hex|uuid   the submit's answer; with hex its receipt says the same id in decimal, padded with zeros
#   throttle=N             every N-th submit is refused with ESME_RTHROTTLED
#   receipts=after|before|none   where the receipt stands beside the submit's answer
#   echo=DIGITS            numbers that begin so send back what they are sent
#   fail=DIGITS            numbers that end so: receipt UNDELIV
#   refuse=DIGITS          numbers that end so: the submit is refused with ESME_RINVDSTADR
#   patience=SECONDS       what was not acknowledged by then is delivered again
#
# Any number of ESMEs, known by system_id, each with any number of binds. What cannot be delivered waits for a bind that
# receives; what was delivered and not acknowledged is delivered again. On the control port, one client: JSON lines, what
# happens one way, what to do the other (perl-smsc.ts).
use strict;
use warnings;
use Encode qw(decode encode FB_CROAK);
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use Net::SMPP;
use Time::HiRes qw(time);

my %option = (ids => 'decimal', throttle => 0, receipts => 'after', echo => '-', fail => '-', refuse => '-', patience => 2);
%option = (%option, map { split /=/, $_, 2 } @ARGV);
$SIG{PIPE} = 'IGNORE';
# Net::SMPP grumbles about everything that it meets.
$SIG{__WARN__} = sub { };

# A PDU is decoded when all of it is here: a client that stops halfway must not stop the others.
package Bind {
    our @ISA = ('Net::SMPP');
    my %inbox;
    sub fill { my ($me) = @_; return $me->sysread($inbox{$me}, 65536, length($inbox{$me} //= '')) }
    sub whole {
        my ($me) = @_;
        return 0 if length($inbox{$me}) < 4;
        my $length = unpack 'N', $inbox{$me};
        return $length < 16 || length($inbox{$me}) >= $length;
    }
    sub read_hard {
        my ($me, $length, $into, $offset) = @_;
        $$into = substr($$into, 0, $offset) . substr($inbox{$me}, 0, $length, '');
        return 1;
    }
    sub forget { delete $inbox{ $_[0] } }
}

my $json = JSON::PP->new->utf8->canonical;
my $listener = Bind->new_listen('127.0.0.1', port => $option{port}, smpp_version => 0x34, interface_version => 0x34)
    or die "cannot listen: $!";
my $desk = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $option{control}, Listen => 1, ReuseAddr => 1)
    or die "cannot listen: $!";
my $select = IO::Select->new($listener, $desk);
my %kinds = (1 => 'receiver', 2 => 'transmitter', 9 => 'transceiver');
my ($control, $orders) = (undef, '');

my %bind;     # connection => { esme, kind, socket, open => { sequence => delivery } }
my %waiting;  # system_id => deliveries, oldest first
my %route;    # number => system_id
my %gathered; # "from to reference total" => { number => text }
my ($count, $submits, $deliveries, $reference) = (int(rand(5_000)) + 1_000, 0, 0, int(rand(200)));

while (1) {
    for my $ready ($select->can_read(0.05)) {
        if    ($ready == $listener) { admit() }
        elsif ($ready == $desk)     { $control = prompt($desk->accept); $select->add($control) }
        elsif (defined $control && $ready == $control) { obey() }
        else                        { listen_to($ready) }
    }
    give_up_waiting($_) for values %bind;
    hand_over($_) for keys %waiting;
}

# Sends small things at once.
sub prompt {
    my ($socket) = @_;
    setsockopt $socket, 6, 1, 1;    # IPPROTO_TCP, TCP_NODELAY
    return $socket;
}

sub report {
    my (%event) = @_;
    syswrite $control, $json->encode(\%event) . "\n" if defined $control;
}

# ---- the control port

sub obey {
    if (!sysread $control, $orders, 65536, length $orders) {
        $select->remove($control);
        undef $control;
        return;
    }
    while ($orders =~ s/^([^\n]*)\n//) {
        my $order = $json->decode($1);
        my $do = $order->{do};
        if    ($do eq 'route')   { $route{ $order->{number} } = $order->{esme} }
        elsif ($do eq 'say')     { say_as_phone($order) }
        elsif ($do eq 'deliver') { deliver($order->{esme}, fields($order->{fields})) }
        elsif ($do eq 'option')  { $option{ $order->{name} } = $order->{value} }
        elsif ($do eq 'cut')     { part($_) for grep { $_->{esme} eq $order->{esme} } values %bind }
        report(event => 'done', number => $order->{ask});
    }
}

# Text fields as they are, octets from hexadecimal.
sub fields {
    my ($given) = @_;
    my %fields = %$given;
    for my $name ('short_message', 'message_payload') {
        $fields{$name} = pack 'H*', $fields{$name} if defined $fields{$name};
    }
    return \%fields;
}

# ---- ESMEs

sub admit {
    my $socket = $listener->accept or return;
    prompt($socket);
    $bind{$socket} = { socket => $socket, esme => '', kind => '', open => {} };
    $select->add($socket);
}

sub listen_to {
    my ($socket) = @_;
    my $bind = $bind{$socket} or return;
    return part($bind) if !$socket->fill;
    while (exists $bind{$socket} && $socket->whole) {
        my $pdu = $socket->read_pdu or return part($bind);
        answer($bind, $pdu);
    }
}

sub part {
    my ($bind) = @_;
    my ($socket, $esme) = @$bind{ 'socket', 'esme' };
    return if !delete $bind{$socket};
    $select->remove($socket);
    $socket->forget;
    close $socket;
    # What it never acknowledged goes first to the next bind.
    again($esme, values %{ $bind->{open} });
    report(event => 'gone', esme => $esme, kind => $bind->{kind}) if $bind->{kind};
}

sub answer {
    my ($bind, $pdu) = @_;
    my ($socket, $command, $seq) = ($bind->{socket}, $pdu->{cmd}, $pdu->{seq});
    if (my $kind = $kinds{$command}) {
        my $right = $pdu->{password} eq $option{password};
        my %answer = (system_id => 'PERLSMSC', seq => $seq, status => $right ? 0 : 0x0e);
        if    ($command == 1) { $socket->bind_receiver_resp(%answer) }
        elsif ($command == 2) { $socket->bind_transmitter_resp(%answer) }
        else                  { $socket->bind_transceiver_resp(%answer) }
        report(event => 'bind', esme => $pdu->{system_id}, kind => $kind, ok => $right ? 1 : 0);
        return part($bind) if !$right;
        @$bind{ 'esme', 'kind' } = ($pdu->{system_id}, $kind);
        hand_over($bind->{esme});
    }
    elsif ($command == 0x15) { $socket->enquire_link_resp(seq => $seq) }
    elsif ($command == 6) { $socket->unbind_resp(seq => $seq); part($bind) }
    elsif ($command == 4 && $bind->{kind} =~ /^trans/) { submitted($bind, $pdu) }
    elsif ($command == 0x80000005) { acknowledged($bind, $pdu) }
    elsif ($command < 0x80000000) { $socket->generic_nack(seq => $seq, status => $pdu->{known_pdu} ? 4 : 3) }
}

sub submitted {
    my ($bind, $pdu) = @_;
    my ($socket, $seq, $to) = ($bind->{socket}, $pdu->{seq}, $pdu->{destination_addr});
    my $refused = $option{throttle} && ++$submits % $option{throttle} == 0 ? 0x58 : $to =~ /\Q$option{refuse}\E$/ ? 0x0b : 0;
    if ($refused) {
        report(event => 'refused', status => $refused, to => $to);
        return $socket->submit_sm_resp(seq => $seq, status => $refused, message_id => '');
    }
    my ($id, $receipted) = next_id();
    my $answer = sub { $socket->submit_sm_resp(seq => $seq, message_id => $id) };
    my $receipt = ($pdu->{registered_delivery} & 3) && $option{receipts} ne 'none'
        ? receipt($pdu, $receipted) : undef;
    if ($option{receipts} eq 'before') {
        deliver($bind->{esme}, $receipt) if $receipt;
        $answer->();
    }
    else {
        $answer->();
        # A moment later: Kannel, which reads the answer on another connection, forgets a receipt that it cannot place.
        deliver($bind->{esme}, $receipt, 0.05) if $receipt;
    }
    hear($pdu, $id);
    deliver($bind->{esme}, echo($pdu)) if $to =~ /^\Q$option{echo}\E/;
}

sub next_id {
    my $number = ++$count;
    return ("$number", "$number") if $option{ids} eq 'decimal';
    return (sprintf('%X', $number), sprintf('%010d', $number)) if $option{ids} eq 'hex';
    my $id = sprintf '%08x-%04x-4%03x-8%03x-%012x', $number, map { int rand 4_000 } 1 .. 4;
    return ($id, $id);
}

sub receipt {
    my ($pdu, $id) = @_;
    my $failed = $pdu->{destination_addr} =~ /\Q$option{fail}\E$/;
    my @now = gmtime;
    my $stamp = sprintf '%02d%02d%02d%02d%02d', $now[5] % 100, $now[4] + 1, @now[ 3, 2, 1 ];
    return {
        swapped($pdu),
        esm_class => 4,
        short_message => sprintf('id:%s sub:001 dlvrd:%03d submit date:%s done date:%s stat:%s err:%03d text:',
            $id, $failed ? 0 : 1, $stamp, $stamp, $failed ? 'UNDELIV' : 'DELIVRD', $failed ? 1 : 0),
    };
}

sub echo {
    my ($pdu) = @_;
    my %fields = (swapped($pdu), esm_class => $pdu->{esm_class} & 0x40, data_coding => $pdu->{data_coding});
    for my $name (qw(short_message message_payload sar_msg_ref_num sar_total_segments sar_segment_seqnum)) {
        $fields{$name} = $pdu->{$name} if defined $pdu->{$name} && length $pdu->{$name};
    }
    return \%fields;
}

sub swapped {
    my ($pdu) = @_;
    return (
        source_addr => $pdu->{destination_addr}, source_addr_ton => $pdu->{dest_addr_ton},
        source_addr_npi => $pdu->{dest_addr_npi}, destination_addr => $pdu->{source_addr},
        dest_addr_ton => $pdu->{source_addr_ton}, dest_addr_npi => $pdu->{source_addr_npi},
    );
}

# ---- what goes to an ESME

sub deliver {
    my ($esme, $fields, $delay) = @_;
    push @{ $waiting{$esme} }, { fields => $fields, after => defined $delay ? time + $delay : 0, number => ++$deliveries };
    report(event => 'queued', esme => $esme);
    hand_over($esme);
}

sub hand_over {
    my ($esme) = @_;
    my $waiting = $waiting{$esme} or return;
    my ($bind) = grep { $_->{esme} eq $esme && $_->{kind} =~ /ceiver$/ } values %bind;
    while ($bind && @$waiting && $waiting->[0]{after} <= time) {
        my $delivery = shift @$waiting;
        my $seq = $bind->{socket}->deliver_sm(async => 1, %{ $delivery->{fields} });
        $delivery->{since} = time;
        $bind->{open}{$seq} = $delivery;
    }
}

sub acknowledged {
    my ($bind, $pdu) = @_;
    my $delivery = delete $bind->{open}{ $pdu->{seq} };
    # ESME_RSYSERR, ESME_RMSGQFUL, ESME_RTHROTTLED, ESME_RX_T_APPN: not now, so again in a moment.
    my $again = $delivery && grep { $pdu->{status} == $_ } 0x08, 0x14, 0x58, 0x64;
    report(event => 'answered', esme => $bind->{esme}, status => $pdu->{status}, settles => $delivery && !$again ? 1 : 0);
    return if !$again;
    $delivery->{after} = time + 0.2;
    again($bind->{esme}, $delivery);
}

sub give_up_waiting {
    my ($bind) = @_;
    my $open = $bind->{open};
    my @late = grep { $open->{$_}{since} + $option{patience} < time } keys %$open;
    again($bind->{esme}, delete @{$open}{@late}) if @late;
}

# In the order in which it was to be delivered first.
sub again {
    my ($esme, @deliveries) = @_;
    $waiting{$esme} = [ sort { $a->{number} <=> $b->{number} } @deliveries, @{ $waiting{$esme} // [] } ];
}

# ---- phones

sub number { my ($address, $ton) = @_; return $ton == 1 ? "+$address" : $address }

# TON and NPI of a number as a person writes it: international, alphanumeric, or a short code.
sub addressed {
    my ($field, $name, $number) = @_;
    my ($ton, $npi) = $number =~ /^\+/ ? (1, 1) : $number =~ /[^0-9]/ ? (5, 0) : (3, 0);
    return ("${name}_addr_ton" => $ton, "${name}_addr_npi" => $npi, $field => $number =~ s/^\+//r);
}

sub hear {
    my ($pdu, $id) = @_;
    my ($octets, $udh) = (length $pdu->{short_message} ? $pdu->{short_message} : $pdu->{message_payload} // '', '');
    $udh = substr $octets, 0, 1 + ord $octets, '' if ($pdu->{esm_class} & 0x40) && length $octets;
    my $coding = $pdu->{data_coding};
    my $text = $coding == 8 ? decode('UTF-16BE', $octets)
        : $coding == 0 ? decode('gsm0338', $octets)
        : decode('iso-8859-1', $octets);
    my ($reference, $total, $part) = $udh =~ /^.\x00\x03(.)(.)(.)/s ? map { ord } $1, $2, $3
        : $udh =~ /^.\x08\x04(..)(.)(.)/s ? (unpack('n', $1), ord $2, ord $3)
        : defined $pdu->{sar_total_segments} ? (unpack('n', $pdu->{sar_msg_ref_num}),
            map { ord } $pdu->{sar_total_segments}, $pdu->{sar_segment_seqnum})
        : (0, 1, 1);
    my ($from, $to) = (number($pdu->{source_addr}, $pdu->{source_addr_ton}),
        number($pdu->{destination_addr}, $pdu->{dest_addr_ton}));
    report(event => 'submit', id => $id, from => $from, to => $to, coding => $coding, part => $part, of => $total,
        text => $text, registered => $pdu->{registered_delivery}, validity => $pdu->{validity_period},
        hex => unpack('H*', $pdu->{short_message}));
    my $parts = $gathered{"$from $to $reference $total"} //= {};
    $parts->{$part} = $text;
    return if keys %$parts < $total;
    delete $gathered{"$from $to $reference $total"};
    report(event => 'heard', from => $from, to => $to, text => join '', map { $parts->{$_} } 1 .. $total);
}

# { from, to, text, as: udh8|udh16|sar|payload, order: [parts, from 1] }
sub say_as_phone {
    my ($order) = @_;
    my $text = $order->{text};
    my $gsm = eval { encode('gsm0338', my $copy = $text, FB_CROAK); 1 };
    my ($charset, $coding) = $gsm ? ('gsm0338', 0) : ('UTF-16BE', 8);
    my $as = $order->{as} // 'udh8';
    my %fields = (addressed('source_addr', 'source', $order->{from}),
        addressed('destination_addr', 'dest', $order->{to}), data_coding => $coding, esm_class => 0);
    my $esme = $route{ $order->{to} } // '';
    my $all = encode($charset, my $copy = $text);
    return deliver($esme, { %fields, message_payload => $all }) if $as eq 'payload';
    return deliver($esme, { %fields, short_message => $all }) if length $all <= ($gsm ? 160 : 140);
    # An escaped character and a surrogate pair are encoded as one, so none is torn.
    my $room = $gsm ? ($as eq 'udh16' ? 152 : 153) : ($as eq 'udh16' ? 132 : 134);
    my @parts = ('');
    for my $character (split //, $text) {
        my $octets = encode($charset, $character);
        push @parts, '' if length($parts[-1]) + length($octets) > $room;
        $parts[-1] .= $octets;
    }
    my ($total, $mine) = (scalar @parts, $order->{reference} // ++$reference);
    for my $part (@{ $order->{order} // [ 1 .. $total ] }) {
        my $octets = $parts[ $part - 1 ] // next;
        deliver($esme, {
            %fields,
            $as eq 'sar' ? (short_message => $octets, sar_msg_ref_num => pack('n', $mine),
                sar_total_segments => chr $total, sar_segment_seqnum => chr $part)
            : $as eq 'udh16' ? (esm_class => 0x40, short_message => pack('CCCnCCa*', 6, 8, 4, $mine, $total, $part, $octets))
            : (esm_class => 0x40, short_message => pack('CCCCCCa*', 5, 0, 3, $mine % 256, $total, $part, $octets)),
        });
    }
}
