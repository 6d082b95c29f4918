import { Suspense } from 'react';
import { ChatPage } from '@/components/ChatPage';
import { Opening } from '@/components/Home';

export default function Page() {
  return (
    <Suspense fallback={<Opening />}>
      <ChatPage />
    </Suspense>
  );
}
