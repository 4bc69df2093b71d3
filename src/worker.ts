// The Worker: hands the app to the kit.

import { config } from './app/config.ts';
import { roles } from './app/roles.ts';
import { tools } from './app/tools/index.ts';
import { serve } from './http/router.ts';

export default { fetch: serve({ config, roles, tools }) } satisfies ExportedHandler<Env>;
