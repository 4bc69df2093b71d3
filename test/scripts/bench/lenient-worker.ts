// A contender that must never be timed: it answers as it should, and asks nobody for a token.

export default {
  async fetch(request) {
    const { id, params } = await request.json<{ id: number; params: { arguments: { id: string } } }>();
    const content = [{ type: 'text', text: `This is ${params.arguments.id}.` }];
    return Response.json({ jsonrpc: '2.0', id, result: { content } });
  },
} satisfies ExportedHandler;
