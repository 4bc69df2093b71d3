// resources/list, resources/templates/list, resources/read (MCP, server/resources).

import { findResource } from '../catalogue.ts';
import { failure, INVALID_PARAMS, type RequestId } from '../message.ts';
import { handlerFailure, type Method, page } from './method.ts';

export const listResources: Method = (message, context) =>
  page(message, context, 'resources', context.catalogue.resources, ({ listed }) => listed);

export const listResourceTemplates: Method = (message, context) =>
  page(message, context, 'resourceTemplates', context.catalogue.templates, ({ listed }) => listed);

export const readResource: Method = async ({ id, params }, context) => {
  const { uri } = params;
  if (typeof uri !== 'string') return failure(200, INVALID_PARAMS, 'uri must be a string', id);
  const found = findResource(context.catalogue, uri);
  if (!found) return notFound(uri, id, context.era);
  try {
    const content = await found.resource.read(found.variables, context.handler);
    if (content === undefined) return notFound(uri, id, context.era);
    const mimeType = content.mimeType ?? found.resource.mimeType;
    return { json: JSON.stringify({ contents: [{ uri, ...content, mimeType }] }), isCacheable: true };
  } catch (error) {
    return handlerFailure(error, found.resource.name, id, context);
  }
};

/** Until 2025-11-25 there was a code of its own for this. */
const RESOURCE_NOT_FOUND = -32_002;

export const notFound = (uri: string, id: RequestId, era: 'modern' | 'legacy') =>
  failure(200, era === 'modern' ? INVALID_PARAMS : RESOURCE_NOT_FOUND, 'There is no such resource', id, {
    uri,
  });
