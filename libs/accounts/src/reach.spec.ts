import { describe, expect, it } from '@jest/globals';
import { canonical, reachOf } from './reach.js';

describe('the reach of an address', () => {
  it.each([
    '8.8.8.8',
    '172.15.255.255',
    '172.32.0.1',
    '2606:4700::1111',
    '::ffff:8.8.8.8',
    '64:ff9b::808:808',
    '2002:808:808::1',
  ])('%s is public', (address) => {
    expect(reachOf(address)).toBe('public');
  });

  it.each([
    '127.0.0.1',
    '127.255.255.254',
    '10.0.0.1',
    '172.16.0.1',
    '192.168.1.1',
    '100.64.0.1',
    '192.0.2.1',
    '198.18.0.1',
    '240.0.0.1',
    '::1',
    'fd00:ec2::254',
    'fec0::1',
    '2001:db8::1',
    '2001::1',
    '100::1',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '::7f00:1',
    '64:ff9b::7f00:1',
    '64:ff9b:1:7f00:0:100:808:808',
    '2002:7f00:1::1',
  ])('%s is private', (address) => {
    expect(reachOf(address)).toBe('private');
  });

  it.each([
    '0.0.0.0',
    '0.1.2.3',
    '169.254.169.254',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    'fe80::1',
    'fe80::1%eth0',
    'ff02::1',
    '::ffff:169.254.169.254',
    '64:ff9b::a9fe:a9fe',
    '2002:a9fe:a9fe::',
    'localhost',
    '',
  ])('%s is nobody’s', (address) => {
    expect(reachOf(address)).toBe('never');
  });

  it('does not depend on how an address is spelled', () => {
    expect(canonical('::ffff:7f00:1')).toBe(canonical('127.0.0.1'));
    expect(canonical('2606:4700:0:0::1111')).toBe(canonical('2606:4700::1111'));
  });
});
