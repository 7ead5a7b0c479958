/*
 * XEP-0447: Stateless File Sharing, with XEP-0446: File metadata element, as much of it as tells what lies at an address.
 */
import { xml, type Element } from '../core/xml.js';
import { attribute, childrenOf, textIn, webAddressOf, wholeNumber, wordsIn, worded } from './reading.js';

export const fileSharingNs = 'urn:xmpp:sfs:0';
export const fileMetadataNs = 'urn:xmpp:file:metadata:0';
const urlDataNs = 'http://jabber.org/protocol/url-data';

export interface SharedFile {
  /** Where it lies. */
  readonly url: string;
  readonly name?: string;
  readonly mediaType?: string;
  /** In bytes. */
  readonly size?: number;
  readonly description?: string;
}

/** The files that a message shares from an address on the web, at most 20; those without one are left out. */
export function sharedFilesIn(message: Element): readonly SharedFile[] {
  return childrenOf(message, 'file-sharing', fileSharingNs, 20).flatMap((sharing) => {
    const sources = sharing.getChild('sources', fileSharingNs);
    const [url] =
      sources === undefined ? [] : childrenOf(sources, 'url-data', urlDataNs, 10).flatMap(targetOf);
    const file = sharing.getChild('file', fileMetadataNs);
    if (url === undefined) return [];
    if (file === undefined) return [{ url }];
    const name = wordsIn(file, 'name', fileMetadataNs, 255);
    const mediaType = textIn(file, 'media-type', fileMetadataNs, 128);
    const size = wholeNumber(textIn(file, 'size', fileMetadataNs));
    const description = wordsIn(file, 'desc', fileMetadataNs);
    return [
      {
        url,
        ...(name !== undefined && { name }),
        ...(mediaType !== undefined && { mediaType }),
        ...(size !== undefined && { size }),
        ...(description !== undefined && { description }),
      },
    ];
  });
}

function targetOf(data: Element): readonly string[] {
  const url = webAddressOf(attribute(data, 'target', 4_096));
  return url === undefined ? [] : [url];
}

/** Shares a file that lies at an address on the web. */
export function sharingFile({ url, name, mediaType, size }: SharedFile): Element {
  return xml(
    'file-sharing',
    { xmlns: fileSharingNs, disposition: 'inline' },
    xml(
      'file',
      { xmlns: fileMetadataNs },
      worded('media-type', mediaType),
      worded('name', name),
      worded('size', size?.toString()),
    ),
    xml('sources', {}, xml('url-data', { xmlns: urlDataNs, target: url })),
  );
}
